// A server of Durable Streams, which keeps its streams on disk, and what is appended to them.

import { join } from "node:path";
import { createInterface } from "node:readline";

import { root, seed } from "../harness.mjs";
import { random } from "../stream.mjs";
import { imported, packages, served } from "./project.mjs";

/** Starts the server of Durable Streams. It keeps its streams in `data`. */
export async function durableServer(data, port = 0) {
  const { child, kill } = served([join(root, "tests/servers/server.mjs"), packages, data, String(port)]);
  const said = await Promise.race([
    new Promise((resolve) => createInterface(child.stdout).on("line", (line) => /^\d+$/.test(line) && resolve(line))),
    new Promise((_, reject) => child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)))),
  ]);
  return { port: Number(said), kill };
}

/** Appends records to a Durable Stream, some at a time. The client sends those of one turn together. */
export async function appended(url, first, end) {
  const { DurableStream } = await imported("@durable-streams/client");
  const options = { url, contentType: "application/json" };
  const handle = first === 0 ? await DurableStream.create(options) : new DurableStream(options);
  const next = random(seed + 12);
  for (let number = first; number < end; ) {
    const size = Math.min(1 + Math.floor(next() * 40), end - number);
    await Promise.all(Array.from({ length: size }, (_, at) => handle.append(JSON.stringify({ number: number + at }))));
    number += size;
  }
}
