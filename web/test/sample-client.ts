// Uses every public call of the entries for clients in a strict TypeScript program, which the tests compile against the
// packed tarball.

import { BatchWriter, Checkpoints, json } from "alluvium";
import { type Client, type ClientChanges, type ClientSpace, type Endpoint, type Leading, type Live, type Served, type Status, type Store, type Version, connect, lead, raw, serve } from "alluvium/client";
import { useLive, useRange, useStatus, useValue } from "alluvium/react";

interface Order {
  total: number;
}

/** Everything with a port gives an endpoint. */
export function endpoints(port: MessagePort, channel: BroadcastChannel, worker: Worker, shared: SharedWorker): Endpoint[] {
  return [port, channel, worker, shared.port];
}

export async function use(checkpoints: Checkpoints<Order, Order>, port: MessagePort, signal?: AbortSignal): Promise<unknown> {
  const served: Served = serve(checkpoints, port, { readOnly: false });
  const client: Client<Order, Order> = connect(() => port, { codec: json<Order>(), timeoutMs: 1000 });
  const plain: Client = connect("orders");
  const status: Status = client.status.getSnapshot();
  const [order, bytes]: [Order | undefined, Uint8Array | undefined] = [await client.get("anna"), await plain.get("anna")];
  const many: (Order | undefined)[] = await client.getMany(["anna", new Uint8Array([1])]);
  const entries: [Uint8Array, Order][] = await client.scan({ prefix: "a", limit: 3, reverse: true });
  await client.put("anna", { total: 1 });
  // @ts-expect-error: this is no order.
  client.put("anna", 7).catch(() => {});
  await client.delete("anna");
  const applied: number = await client.apply(new BatchWriter(json<Order>()).put("bert", { total: 2 }));
  const log: ClientSpace<Order, Order> = client.namespace("log", json<Order>());
  const stop: () => void = log.subscribe({ prefix: "2013" }, ({ generation, sequence, since, isReset, changes }: ClientChanges<Order>) => [generation, sequence, since, isReset, changes[0]?.value?.total], console.error);
  const changes: AsyncIterableIterator<ClientChanges<Order>> = client.changes("anna", { signal });
  const one: Live<Order | undefined> = client.liveValue("anna");
  const some: Live<readonly (readonly [key: string, value: Order])[]> = client.live({ prefix: "a" });
  const binary: Live<readonly (readonly [key: Uint8Array, value: Order])[]> = client.live({}, { keys: raw });
  const version: Version | undefined = one.version;
  const error: Store<Error | undefined> = one.error;
  const loaded: Order | undefined = await one.loaded();
  const id: bigint = await client.checkpoint();
  const leading: Leading<Order, Order> = lead({
    name: "orders",
    codec: json<Order>(),
    open: (signal: AbortSignal) => Checkpoints.open({ name: "orders", whenTaken: "wait", signal, codec: json<Order>() }),
    onLead: async (opened, until: AbortSignal) => void (until.aborted || (await opened.checkpoint())),
    onError: (thrown: unknown) => console.error(thrown),
  });
  stop();
  served.stop();
  client.close();
  await leading.close();
  return [leading.isLeading, leading.client, served.generation, served.clients, served.watches, status, order, bytes, many, entries, applied, changes, some, binary, version, error, loaded, id];
}

export function Component(client: Client<Order, Order>, log: ClientSpace<Order, Order>): [number | undefined, string[], Status, readonly unknown[]] {
  const order: Order | undefined = useValue(client, "anna");
  const entries: readonly (readonly [key: string, value: Order])[] = useRange(log, { prefix: "2013" });
  return [order?.total, entries.map(([key]) => key), useStatus(client), useLive(client.live({}))];
}
