// Tests of the source of Durable Streams in Node: with the server, which is interrupted, and with scripted connections.

import { mkdtempSync } from "node:fs";
import { join } from "node:path";

import { same } from "../../harness.mjs";
import { RECORDS, opened, withCrashes } from "../crashes.mjs";
import { appended, durableServer } from "../durable.mjs";
import { imported, project } from "../project.mjs";

const { consume, durableStream, positionOf } = await import("../../../dist/sources/index.js");

export async function durable() {
  const data = mkdtempSync(join(project, "streams-"));
  let server = await durableServer(data);
  const { stream } = await imported("@durable-streams/client");
  const url = `http://127.0.0.1:${server.port}/orders`;
  try {
    await appended(url, 0, RECORDS / 3);
    let readers = 0;
    const makeSource = () => {
      readers++;
      return durableStream("orders", (offset, signal) => stream({ url, offset, live: readers % 2 === 0 ? "sse" : "long-poll", signal }));
    };
    const reading = withCrashes(makeSource);
    // It is awaited below, after the server was restarted.
    reading.catch(() => {});
    for (const part of [2, 3]) {
      await server.kill();
      server = await durableServer(data, server.port);
      await appended(url, ((part - 1) * RECORDS) / 3, (part * RECORDS) / 3);
    }
    const { crashes, retries } = await reading;
    if (crashes < 2) throw new Error(`only ${crashes} crashes`);
    return `${crashes} crashes, 2 restarts of the server, ${retries} times read again`;
  } finally {
    await server.kill();
  }
}

/** A source of a Durable Stream whose connections are scripted: where each is read from, and which batches it gives. */
function scripted(connections) {
  return durableStream("orders", async (offset) => {
    const { from, batches } = connections.length > 1 ? connections.shift() : connections[0];
    same("where it is read", offset, from);
    let close;
    const closed = new Promise((resolve) => (close = resolve));
    const subscribeJson = (subscriber) => {
      (async () => {
        for (const [items, offset, upToDate = true] of batches) await subscriber({ items, offset, upToDate });
        close();
      })();
      return () => {};
    };
    return { startOffset: from, subscribeJson, closed, cancel: close };
  });
}

/** Reads what is scripted to its end. */
async function readScript(connections, files = new Map(), stopAfter = Infinity) {
  const { checkpoints } = await opened(files);
  const stop = new AbortController();
  const values = [];
  const retries = [];
  const take = (value) => {
    if (values.push(value) === stopAfter) stop.abort();
  };
  const delays = globalThis.setTimeout;
  // The delays between the attempts are of no interest here.
  globalThis.setTimeout = (call, _, ...rest) => delays(call, 0, ...rest);
  try {
    const failure = await consume(checkpoints, scripted(connections), take, { signal: stop.signal, onRetry: ({ message }) => retries.push(message) }).catch(({ kind, message }) => `${kind}: ${message}`);
    return { values, retries, failure, position: positionOf(checkpoints, "orders") };
  } finally {
    globalThis.setTimeout = delays;
    await checkpoints.close();
  }
}

/** A connection that breaks between records and their offset. The client gives these records with the offset before them, and once more. */
export async function cutOff() {
  const { values, position } = await readScript([
    { from: "-1", batches: [[[0, 1], "a"], [[], "b"], [[2, 3], "b"], [[2, 3, 4], "c"]] },
    { from: "a", batches: [[[2, 3, 4], "c"]] },
  ]);
  same("the records", values, [0, 1, 2, 3, 4]);
  same("the position", position, "0 c");
}

/**
 * A server that shows records a moment before it knows their end. It then sends the client back, which gives these
 * records once more. A stream that stays shorter than what was read has lost records, and is an error.
 */
export async function endsTooEarly() {
  const late = await readScript([
    { from: "-1", batches: [[[0, 1], "b"], [[], "a"], [[1], "b"]] },
    { from: "b", batches: [[[], "a"], [[1], "b"]] },
    { from: "b", batches: [[[1, 2], "a9"]] },
    { from: "b", batches: [[[], "b"], [[2, 3], "c"]] },
  ]);
  same("the records", [late.values, late.position, late.failure], [[0, 1, 2, 3], "0 c", undefined]);
  same("the attempts", late.retries, ["orders: the stream ends at a, before b, which was read", "orders: the stream ends at a, before b, which was read", "orders: the stream ends at a9, before b, which was read"]);

  const files = new Map();
  await readScript([{ from: "-1", batches: [[[0, 1], "b"]] }], files);
  const gone = await readScript([{ from: "b", batches: [[[], "a"], [[8, 9], "b"]] }], files);
  same("a shorter stream", [gone.values, gone.retries.length, gone.failure], [[], 7, "not-found: orders: the stream ends at a, before b, which was read: it was deleted and made again, or its server has lost records"]);

  // The position is within a batch, and the stream that was made again has fewer records there.
  const within = new Map();
  same("a part of a batch", (await readScript([{ from: "-1", batches: [[[0, 1, 2], "b"]] }], within, 2)).position, "2 -1");
  const again = await readScript([{ from: "-1", batches: [[[7], "a", true], [[], "a", true], [[8, 9], "c"]] }], within);
  same("fewer records, live", [again.values, again.retries.length, again.failure], [[], 7, "not-found: orders: the stream ends at a, before the record 1 after it, which was read: it was deleted and made again, or its server has lost records"]);
  const ended = await readScript([{ from: "-1", batches: [[[7], "a", true]] }], within);
  same("fewer records, to the end", [ended.values, ended.retries.length, ended.failure], [[], 7, again.failure]);
  const cached = await readScript([{ from: "-1", batches: [[[], "0", true], [[0], "a", true], [[1, 2], "b", true]] }], within);
  same("a cache that has less", [cached.values, cached.retries, cached.position], [[2], [], "0 b"]);
}
