// Clients of checkpoints that are open elsewhere, through ports: calls, live values, and iterators.

import { refused, same } from "./common.mjs";
import { ends, read, until } from "./ports.mjs";

const namespaces = { log: { kind: "ordered", bytes: 4 }, totals: { merge: "add" }, ends: { kind: "timers" } };

/** A client has what the state has, in every namespace, and changes it. */
export async function calls({ Checkpoints }, { client: { BatchWriter, connect, int64, json, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "calls", storage: "memory", namespaces, codec: json() });
  const { port1, port2 } = new MessageChannel();
  const client = connect(port1, { codec: json() });
  same("status", client.status.getSnapshot(), "connecting");
  // What is asked before anybody serves is answered when somebody does.
  const early = client.get("a");
  checkpoints.put("a", { n: 1 });
  const served = serve(checkpoints, port2);
  same("early", [await early, client.status.getSnapshot(), served.clients], [{ n: 1 }, "connected", 1]);
  await client.put("b", { n: 2 });
  await client.delete("nothing");
  same("many", await client.getMany(["b", "nothing", "a"]), [{ n: 2 }, undefined, { n: 1 }]);
  same("the state has it", checkpoints.get("b"), { n: 2 });
  const scanned = async (space, range) => (await space.scan(range)).map(([key]) => read(key)).join();
  await client.apply(new BatchWriter(json()).put("c", 3).put("ä", 4).delete("c").put("d", 5));
  same("ranges without an order", [await scanned(client, {}), await scanned(client, { prefix: "ä" }), await scanned(client, { from: "b", to: "d" }), await scanned(client, { reverse: true, limit: 2 }), await scanned(client, { limit: 0 })], ["a,b,d,ä", "ä", "b", "ä,d", ""]);
  const [log, totals] = [client.namespace("log", json()), client.namespace("totals", int64)];
  const batch = new BatchWriter(int64).count("n", 5).count("n");
  same("counts", [await totals.apply(batch), batch.size, await totals.get("n")], [2, 0, 6n]);
  for (const day of ["2013-02", "2013-01", "2014-01"]) await log.put(day, day);
  same("ranges", [await scanned(log, { prefix: "2013" }), await scanned(log, { from: "2013-02", reverse: true })], ["2013-01,2013-02", "2014-01,2013-02"]);
  same("the same namespace", [client.namespace("log") === client.namespace("log"), client.namespace("log") === log], [true, false]);
  await refused("no such namespace", () => client.namespace("nothing").get("a"), /^not-found: namespace "nothing" is not declared/);
  await refused("timers", () => client.namespace("ends").get("a"), /^invalid-input: namespace "ends" holds timers/);
  await refused("no merging", () => client.apply(new BatchWriter().count("n")), /^invalid-input: record 0: unknown operation 2/);
  await refused("no key", () => client.get(7), /^invalid-input: keys and values are Uint8Array or string/);
  await refused("what cannot be sent", () => client.get(() => {}), /^invalid-input: get: /);
  same("durable", [await client.checkpoint(), checkpoints.latestCheckpointId], [1n, 1n]);
  const rejected = new BatchWriter().put("r1", "1").count("n", 5).delete("r2");
  const before = [...rejected.pack()];
  const rejecting = refused("what is rejected", () => client.apply(rejected), /^invalid-input: record 1: unknown operation 2/);
  same("while it is on its way", rejected.size, 0);
  await rejecting;
  same("what was rejected is in the batch", [...rejected.pack()], before);
  await refused("again", () => { const again = client.apply(rejected); rejected.put("later", "2"); return again; }, /^invalid-input: record 1: /);
  same("with what was added meanwhile", [...rejected.pack()], [...new BatchWriter().put("r1", "1").count("n", 5).delete("r2").put("later", "2").pack()]);
  await refused("what is no batch", () => client.apply({}), /^invalid-input: a BatchWriter is applied/);
  const reader = connect(port1);
  const { port1: third, port2: fourth } = new MessageChannel();
  serve(checkpoints, fourth, { readOnly: true });
  const restricted = connect(third);
  await refused("only reading", () => restricted.put("a", "x"), /^invalid-input: clients can only read/);
  await refused("no checkpoint either", () => restricted.checkpoint(), /^invalid-input: clients can only read/);
  same("a second client of one port", read(await reader.get("a")), '{"n":1}');
  reader.close();
  await until("the client is forgotten", () => served.clients === 1);
  const late = client.get("a");
  client.close();
  await refused("closed", () => late, /^closed: the client is closed/);
  await refused("after", () => client.get("a"), /^closed: /);
  same("status", client.status.getSnapshot(), "closed");
  restricted.close();
  await checkpoints.close();
  for (const port of [port1, port2, third, fourth]) port.close();
}

/** Live values and ranges follow the state, entry by entry, and stop watching without a subscriber. */
export async function living({ Checkpoints }, { client: { BatchWriter, connect, json, raw, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "living", storage: "memory", namespaces, codec: json() });
  for (const key of ["k1", "k2", "k3", "x"]) checkpoints.put(key, { key });
  const said = { watch: 0, told: 0 };
  const [one, other] = ends(({ says }) => (said[says]++, true));
  const served = serve(checkpoints, other);
  const client = connect(one, { codec: json() });
  const range = client.live({ prefix: "k" });
  const last = client.live({ prefix: "k", reverse: true, limit: 2 }, { keys: raw });
  const value = client.liveValue("k2");
  const [ranges, values] = [[], []];
  const stops = [range.subscribe((entries) => ranges.push(entries)), last.subscribe(() => {}), value.subscribe((value) => values.push(value))];
  same("at first", [ranges, values, range.version], [[[]], [undefined], undefined]);
  await Promise.all([range.loaded(), last.loaded(), value.loaded()]);
  same("entries", ranges.at(-1).map(([key, value]) => [key, value.key]), [["k1", "k1"], ["k2", "k2"], ["k3", "k3"]]);
  same("from the end, with bytes as keys", last.getSnapshot().map(([key]) => read(key)), ["k3", "k2"]);
  same("a value", [values.at(-1), value.getSnapshot() === value.getSnapshot()], [{ key: "k2" }, true]);
  same("watches", served.watches, 3);
  const before = range.getSnapshot();
  const { sequence } = range.version;
  checkpoints.put("k2", { key: "new" });
  checkpoints.put("k0", 0);
  checkpoints.delete("k3");
  await until("it is told", () => values.at(-1).key === "new");
  const after = range.getSnapshot();
  same("after changes", after, [["k0", 0], ["k1", { key: "k1" }], ["k2", { key: "new" }]]);
  same("what did not change is the same object", [after[1] === before[0], after[2] === before[1], range.getSnapshot() === after], [true, false, true]);
  same("one notice", [range.version.sequence > sequence, ranges.length], [true, 3]);
  // The same bytes again are no change.
  checkpoints.put("k2", { key: "new" });
  checkpoints.put("other", 1);
  await client.get("k2");
  same("nothing changed", [ranges.length, values.length], [3, 3]);
  await checkpoints.importCheckpoint(await (await checkpoints.checkpoint(), checkpoints.exportCheckpoint()));
  checkpoints.put("k4", 4);
  await until("it is told after another state came", () => range.getSnapshot().length === 4);
  same("still the same object", range.getSnapshot()[1] === before[0], true);
  // A store that loses its last subscriber and gets one in the same turn does not begin again.
  const begun = said.watch;
  stops[2]();
  stops[2] = value.subscribe((value) => values.push(value));
  await client.get("k2");
  same("watches after a remount", [served.watches, values.at(-1).key, said.watch], [3, "new", begun]);
  for (const stop of stops) stop();
  await client.get("k2");
  same("watches at the end", served.watches, 0);
  same("what was there is still there", value.getSnapshot(), { key: "new" });
  await refused("a number as key", () => client.liveValue(7), /^invalid-input: /);
  await refused("a limit that is none", () => client.live({ limit: -1 }), /^invalid-input: limit/);
  const wrong = client.namespace("nothing", json()).live({});
  const errors = [];
  wrong.error.subscribe((error) => errors.push(error?.kind));
  const off = wrong.subscribe(() => {});
  await refused("it cannot be loaded", () => wrong.loaded(), /^not-found: /);
  same("errors", errors, [undefined, "not-found"]);
  same("what cannot be watched is no watch", served.watches, 0);
  off();
  checkpoints.apply(new BatchWriter().put("bad", "{"));
  const bad = client.liveValue("bad");
  const kinds = [];
  bad.error.subscribe((error) => kinds.push(error?.kind));
  bad.subscribe(() => {});
  await refused("it cannot be read", () => bad.loaded(), /^invalid-input: these bytes are not valid JSON/);
  checkpoints.put("bad", "good");
  await until("it is good again", () => bad.getSnapshot() === "good");
  same("errors", kinds, [undefined, "invalid-input", undefined]);
  client.close();
  await until("the client is forgotten", () => served.clients === 0);
  const { told } = said;
  checkpoints.put("bad", "better");
  await new Promise((resolve) => setTimeout(resolve));
  same("what a closed client is told", said.told, told);
  // A component may outlive the client.
  same("a live value of a closed client", [value.subscribe(() => {})(), value.getSnapshot()], [undefined, { key: "new" }]);
  await checkpoints.close();
}

/** The iterator of a client ends with it, or when it is told to. */
export async function iterators({ Checkpoints }, { client: { connect, text, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "iterators", storage: "memory" });
  const [one, other] = ends();
  serve(checkpoints, other);
  const client = connect(one, { codec: text });
  const changes = client.changes({ prefix: "a" });
  await client.put("b", "0");
  await client.put("a", "1");
  same("a change", (await changes.next()).value.changes.map(({ key, value }) => [read(key), value]), [["a", "1"]]);
  const controller = new AbortController();
  const aborted = client.changes({}, { signal: controller.signal });
  controller.abort();
  same("aborted", (await aborted.next()).done, true);
  await refused("no such namespace", () => client.namespace("nothing").changes().next(), /^not-found: /);
  const next = changes.next();
  client.close();
  same("closed", (await next).done, true);
  await checkpoints.close();
}
