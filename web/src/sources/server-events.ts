// Server-sent events. The server continues after the id of the last event.
//
// An event without an id of its own has the id of the one before. So a position is an id with the number of events
// after it that have none: `2 7` is two events after the one with the id `7`.

import { ConnectionLost, HELD_MAX, type Received, type Source, drained, split } from "./source.js";

/** The part of an `EventSource` that the source uses. The browser's has it, and that of the package `eventsource`. */
export interface EventSourceLike {
  /** 2 if it does not connect again by itself. */
  readonly readyState: number;
  /** Calls a listener for each event of a type. */
  addEventListener(type: string, listener: (event: any) => void): void;
  /** Closes the connection. */
  close(): void;
}

/** The options of `serverEvents`. */
export interface ServerEventsOptions<T> {
  /** The types of events that are records: every type whose events have ids. The default is `["message"]`. */
  types?: readonly string[] | undefined;
  /** Makes a record of an event. The default parses its data as JSON. */
  record?: ((event: { readonly type: string; readonly data: string; readonly lastEventId: string }) => T) | undefined;
}

const CLOSED = 2;

/**
 * Makes a source of server-sent events. `connect` gets the id of the last event that was applied, and opens an
 * `EventSource` that continues after it. The browser's own cannot send that id with its first request, so the address
 * must hold it. The one of the package `eventsource` can:
 *
 * ```ts
 * const orders = serverEvents<Order>("orders", (lastEventId) => new EventSource(`/orders?after=${lastEventId ?? ""}`));
 * ```
 *
 * The `EventSource` connects again by itself. An answer that is no stream of events is an error, which ends the source.
 */
export function serverEvents<T>(name: string, connect: (lastEventId: string | undefined) => EventSourceLike, options: ServerEventsOptions<T> = {}): Source<T> {
  const { types = ["message"], record = ({ data }) => JSON.parse(data) as T } = options;
  return {
    name,
    async *read(from, signal) {
      let { text: id, count } = split(name, from) ?? { text: "", count: 0 };
      let skipped = count;
      let isOverfull = false;
      const events = connect(from === undefined || id === "" ? undefined : id);
      const stream = new ReadableStream<Received<T>>(
        {
          start(controller) {
            let isEnded = false;
            const end = (error?: Error) => {
              if (isEnded) return;
              isEnded = true;
              events.close();
              if (error === undefined) controller.close();
              else controller.error(error);
            };
            signal.addEventListener("abort", () => end(), { once: true });
            if (signal.aborted) return end();
            // Each connection begins after the last id, so the events since then come again.
            events.addEventListener("open", () => (skipped = count));
            events.addEventListener("error", (event: { message?: string; code?: number }) => {
              if (events.readyState === CLOSED) end(new Error(`${name}: the server refused the events${event.code === undefined ? "" : ` with status ${event.code}`}${event.message ? `: ${event.message}` : ""}`));
            });
            for (const type of types) {
              events.addEventListener(type, (event: MessageEvent<string>) => {
                if (isEnded) return;
                // The package `eventsource` gives an event without an id an empty one. The browser's own repeats the last.
                if (event.lastEventId === id || event.lastEventId === "") {
                  if (skipped > 0) return void skipped--;
                  count++;
                } else [id, count, skipped] = [event.lastEventId, 0, 0];
                try {
                  controller.enqueue({ value: record(event), position: `${count} ${id}` });
                } catch (thrown) {
                  return end(thrown as Error);
                }
                // The server does not wait. So the connection ends here, and another begins when these are applied.
                if (controller.desiredSize! <= 0) {
                  isOverfull = true;
                  end();
                }
              });
            }
          },
          cancel: () => events.close(),
        },
        { highWaterMark: HELD_MAX },
      );
      for await (const received of drained(stream)) yield [received];
      if (isOverfull && !signal.aborted) throw new ConnectionLost(`${name}: ${HELD_MAX} events waited to be applied`);
    },
  };
}
