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

/** A connection that breaks between records and their offset. The client gives these records with the offset before them, and once more. */
export async function cutOff() {
  const connections = [
    { from: "-1", batches: [{ items: [0, 1], offset: "a" }, { items: [], offset: "b" }, { items: [2, 3], offset: "b" }, { items: [2, 3, 4], offset: "c" }] },
    { from: "a", batches: [{ items: [2, 3, 4], offset: "c" }] },
  ];
  const source = durableStream("orders", async (offset) => {
    const { from, batches } = connections.shift();
    same("where it is read", offset, from);
    let close;
    const closed = new Promise((resolve) => (close = resolve));
    const subscribeJson = (subscriber) => {
      (async () => {
        for (const batch of batches) await subscriber(batch);
        close();
      })();
      return () => {};
    };
    return { startOffset: from, subscribeJson, closed, cancel: close };
  });
  const { checkpoints } = await opened(new Map());
  const values = [];
  await consume(checkpoints, source, (value) => void values.push(value));
  same("the records", values, [0, 1, 2, 3, 4]);
  same("the position", positionOf(checkpoints, "orders"), "0 c");
  await checkpoints.close();
}
