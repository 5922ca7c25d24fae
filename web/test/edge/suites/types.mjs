// What the entries take has the types that libraries, browsers and workers give.

import { join } from "node:path";

import { root } from "../../harness.mjs";
import { ran, within, written } from "../project.mjs";

/** The bindings of workers have the types that the directories take. */
export async function bindingTypes() {
  const code = `
import { Checkpoints, DurableObjectDirectory, R2Directory } from "alluvium/workerd";
export const kept = (storage: DurableObjectStorage) => Checkpoints.open({ name: "kept", storage: new DurableObjectDirectory(storage) });
export const put = (bucket: R2Bucket) => Checkpoints.open({ name: "kept", storage: new R2Directory(bucket, "kept") });
// @ts-expect-error: this is no bucket.
export const wrong = () => new R2Directory({});
`;
  written("worker.ts", code);
  const compilerOptions = { strict: true, noEmit: true, exactOptionalPropertyTypes: true, target: "es2022", module: "es2022", moduleResolution: "bundler", customConditions: ["workerd"], lib: ["es2022", "esnext.disposable"], types: [within("@cloudflare/workers-types/index.d.ts")], skipLibCheck: true };
  const config = written("tsconfig.json", JSON.stringify({ compilerOptions, files: ["worker.ts"] }));
  await ran(join(root, "web/node_modules/.bin/tsc"), ["-p", config]);
}

/** The library of Durable Streams, and the browser's own classes, have the types that the sources take. */
export async function sourceTypes() {
  const code = `
import { stream } from "@durable-streams/client";
import { EventSource as Polyfilled } from "eventsource";
import { Checkpoints } from "alluvium";
import { type Source, consume, durableStream, iterable, positionOf, serverEvents, webSocket } from "alluvium/sources";
import { type CheckpointDirectory, conformance, memoryDirectory } from "alluvium/testing";

interface Order { customer: string; amount: number }
const sources: Source<Order>[] = [
  durableStream<Order>("a", (offset, signal) => stream({ url: "/", offset, live: true, signal })),
  serverEvents<Order>("b", (id) => new EventSource("/orders?after=" + (id ?? ""))),
  serverEvents<Order>("c", () => new Polyfilled("/orders")),
  webSocket<Order>("d", { connect: () => new WebSocket("/"), resume: String, record: (data) => ({ value: JSON.parse(data as string) as Order, position: 1n }) }),
  iterable("e", (count) => [{ customer: String(count), amount: 1 }]),
];
export async function main(signal?: AbortSignal): Promise<unknown> {
  const directory: CheckpointDirectory = memoryDirectory();
  const checkpoints = await Checkpoints.open({ name: "types", storage: directory });
  for (const source of sources) await consume(checkpoints, source, ({ customer, amount }) => checkpoints.putJson(customer, amount), { signal });
  (await conformance(() => directory)).assert();
  return positionOf(checkpoints, "a");
}
`;
  written("types.ts", code);
  const compilerOptions = { strict: true, noEmit: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, target: "es2022", module: "es2022", moduleResolution: "bundler", lib: ["es2022", "esnext.disposable", "dom", "dom.iterable"], types: [], skipLibCheck: true };
  const config = written("tsconfig.types.json", JSON.stringify({ compilerOptions, files: ["types.ts"] }));
  await ran(join(root, "web/node_modules/.bin/tsc"), ["-p", config]);
}

/** Every entry has declarations that are right by themselves, and checkpoints with a codec go wherever others do. */
export async function entryTypes() {
  const code = `
import { type Bytes, Checkpoints, type Integer, type Namespace, int64, json } from "alluvium";
import { type Client, type ClientSpace, type Leading, lead, serve } from "alluvium/client";
import { Checkpoints as Inlined } from "alluvium/inline";
import { type Source, consume, positionOf } from "alluvium/sources";
import { conformance, memoryDirectory } from "alluvium/testing";
import { DurableObjectDirectory, R2Directory } from "alluvium/workerd";

interface Order { customer: string; amount: number }
/** A class of an application names the type of its values once. */
export class Orders {
  constructor(readonly checkpoints: Checkpoints<Order>, readonly log: Namespace<Order>) {}
  put(order: Order): void {
    this.checkpoints.put(order.customer, order);
    this.log.put(order.customer, order);
    // @ts-expect-error: this is no order.
    this.checkpoints.put(order.customer, "text");
  }
}
export async function main(source: Source<Order>, client: Client<Order>, space: ClientSpace<Order>, leading: Leading<Order>): Promise<unknown> {
  const checkpoints = await Checkpoints.open<Order>({ name: "types", codec: json(), storage: memoryDirectory() });
  const orders = new Orders(checkpoints, checkpoints.namespace<Order>("log", json()));
  await consume(checkpoints, source, (order) => orders.put(order));
  await client.put("a", { customer: "a", amount: 1 });
  await space.put("a", { customer: "a", amount: 1 });
  lead({ name: "orders", open: async () => checkpoints });
  const bytes: Checkpoints = await Inlined.open({ name: "bytes" });
  bytes.put("a", "text" satisfies Bytes);
  const counts: Namespace<bigint, Integer> = bytes.namespace("counts", int64);
  (await conformance(() => memoryDirectory())).assert();
  return [positionOf(checkpoints, "a"), positionOf(bytes, "a"), serve(checkpoints, new MessageChannel().port1), counts, leading.client.get("a"), DurableObjectDirectory, R2Directory];
}
`;
  written("entries.ts", code);
  for (const [name, conditions] of [["page", []], ["worker", ["workerd"]]]) {
    const compilerOptions = { strict: true, noEmit: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, target: "es2022", module: "es2022", moduleResolution: "bundler", customConditions: conditions, lib: ["es2022", "dom", "dom.iterable"], types: [], skipLibCheck: false };
    const config = written(`tsconfig.entries-${name}.json`, JSON.stringify({ compilerOptions, files: ["entries.ts"] }));
    await ran(join(root, "web/node_modules/.bin/tsc"), ["-p", config]);
  }
}
