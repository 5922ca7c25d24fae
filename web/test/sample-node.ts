// A strict TypeScript program for Node, without the types of browsers, which the tests compile against the packed tarball.

import { readFile } from "node:fs/promises";

import { Checkpoints, fileDirectory } from "alluvium";
import source from "alluvium/alluvium.wasm";
import { type Client, connect, lead, serve } from "alluvium/client";
import { Checkpoints as Inlined } from "alluvium/inline";
import { Checkpoints as InNode, json } from "alluvium/node";
import { type Source, consume, durableStream, iterable, positionOf, serverEvents, webSocket } from "alluvium/sources";
import { conformance, memoryDirectory } from "alluvium/testing";
import { DurableObjectDirectory, R2Directory } from "alluvium/workerd";

interface Order {
  customer: string;
}

export async function main(path: string, signal?: AbortSignal): Promise<unknown> {
  const checkpoints: Checkpoints<Order> = await Checkpoints.open({ name: "node", storage: fileDirectory(path), codec: json<Order>(), wasm: await readFile("engine.wasm"), signal });
  await checkpoints.importCheckpoint(await readFile(`${path}.tar`));
  await checkpoints.importCheckpoint(await checkpoints.exportCheckpoint());
  // @ts-expect-error: a path is no file.
  checkpoints.importCheckpoint(`${path}.tar`).catch(() => {});
  // @ts-expect-error: a number is nothing that the engine could come from.
  Inlined.open({ name: "node", wasm: 7 }).catch(() => {});
  const orders: Source<Order> = iterable("orders", () => [{ customer: "anna" }]);
  await consume(checkpoints, orders, (order) => checkpoints.put(order.customer, order), { signal });
  const { port1, port2 } = new MessageChannel();
  serve(checkpoints, port1);
  const client: Client<Order, Order> = connect(port2, { codec: json<Order>() });
  (await conformance(() => memoryDirectory())).assert();
  const other = await InNode.open({ name: "other", wasm: source });
  return [await client.get("anna"), positionOf(checkpoints, "orders"), other.size, lead, durableStream, serverEvents, webSocket, DurableObjectDirectory, R2Directory];
}
