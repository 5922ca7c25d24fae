// WebSockets. After it is opened, the socket sends a message from which the server knows where to continue.

import { ConnectionLost, HELD_MAX, type Position, type Received, type Source, drained } from "./source.js";

/** The part of a `WebSocket` that the source uses. */
export interface WebSocketLike {
  /** Calls a listener for each event of a type. */
  addEventListener(type: string, listener: (event: any) => void): void;
  /** Sends a message. */
  send(message: string | Uint8Array<ArrayBuffer>): void;
  /** Closes the connection. */
  close(): void;
}

/** What `webSocket` must know about the messages of a server. */
export interface WebSocketProtocol<T> {
  /** Opens a socket. It is called again after the connection was lost. */
  connect: () => WebSocketLike;
  /** Returns the message that asks for the records after a position, or for all of them. It is the first that is sent. */
  resume: (from: Position | undefined) => string | Uint8Array<ArrayBuffer>;
  /** Returns the record of a message and the position after it, or undefined if the message is no record. */
  record: (data: unknown) => Received<T> | undefined;
}

/** The server has nothing more to send. */
const CLOSED_NORMALLY = 1000;

/**
 * Makes a source of a WebSocket. Each record must come with its position:
 *
 * ```ts
 * const orders = webSocket<Order>("orders", {
 *   connect: () => new WebSocket(address),
 *   resume: (from) => JSON.stringify({ after: from ?? null }),
 *   record: (data) => { const { id, order } = JSON.parse(data as string); return { value: order, position: String(id) }; },
 * });
 * ```
 *
 * If the connection is lost, another is opened. If the server closes it with the code 1000, the source has ended.
 */
export function webSocket<T>(name: string, { connect, resume, record }: WebSocketProtocol<T>): Source<T> {
  return {
    name,
    async *read(from, signal) {
      let isOverfull = false;
      const socket = connect();
      const stream = new ReadableStream<Received<T>>(
        {
          start(controller) {
            let isEnded = false;
            const end = (error?: unknown) => {
              if (isEnded) return;
              isEnded = true;
              socket.close();
              if (error === undefined) controller.close();
              else controller.error(error);
            };
            const attempt = (work: () => void) => {
              try {
                if (!isEnded) work();
              } catch (thrown) {
                end(thrown);
              }
            };
            signal.addEventListener("abort", () => end(), { once: true });
            if (signal.aborted) return end();
            socket.addEventListener("open", () => attempt(() => socket.send(resume(from))));
            // An error says nothing, and the event `close` follows it.
            socket.addEventListener("error", () => {});
            socket.addEventListener("close", ({ code, reason }: { code: number; reason: string }) => {
              end(code === CLOSED_NORMALLY ? undefined : new ConnectionLost(`${name}: the connection was closed with code ${code}${reason ? `: ${reason}` : ""}`));
            });
            socket.addEventListener("message", ({ data }: { data: unknown }) =>
              attempt(() => {
                const received = record(data);
                if (received === undefined) return;
                controller.enqueue(received);
                // The server does not wait. So the connection ends here, and another begins when these are applied.
                if (controller.desiredSize! > 0) return;
                isOverfull = true;
                end();
              }),
            );
          },
          cancel: () => socket.close(),
        },
        { highWaterMark: HELD_MAX },
      );
      for await (const received of drained(stream)) yield [received];
      if (isOverfull && !signal.aborted) throw new ConnectionLost(`${name}: ${HELD_MAX} messages waited to be applied`);
    },
  };
}
