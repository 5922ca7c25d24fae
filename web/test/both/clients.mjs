// Clients of checkpoints that are open elsewhere, through ports and channels. What fails on purpose is a port of these
// tests that loses messages.

import { memory, refused, same } from "./common.mjs";

const read = (value) => value && new TextDecoder().decode(value);

/** Waits until a condition holds. */
export async function until(what, condition) {
  for (const end = Date.now() + 60_000; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`a minute passed before ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Connects two ends as a port does. `passes` says which messages arrive. */
function ends(passes = () => true) {
  const sides = [new Set(), new Set()];
  const make = (to, from) => ({
    postMessage(message) {
      const copy = structuredClone(message);
      if (passes(copy)) setTimeout(() => sides[to].forEach((listener) => listener({ data: copy })));
    },
    addEventListener: (_, listener) => void sides[from].add(listener),
    removeEventListener: (_, listener) => void sides[from].delete(listener),
  });
  return [make(0, 1), make(1, 0)];
}

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

/** Checks notices as a reader does: each follows the one before, unless it is a reset. Returns what it saw. */
function follower(client, where) {
  const seen = { values: new Map(), resets: [], last: undefined, generations: new Set() };
  seen.stop = client.subscribe(where, ({ sequence, since, generation, isReset, changes }) => {
    if (isReset) seen.resets.push(generation);
    else if (seen.last !== undefined) same("it follows the one before", since, seen.last);
    seen.last = sequence;
    seen.generations.add(generation);
    for (const { key, value } of changes) seen.values.set(read(key), read(value));
  });
  return seen;
}

/** A message that is lost is a new beginning, never a silent gap. */
export async function gaps({ Checkpoints }, { client: { connect, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "gaps", storage: "memory" });
  let number = 0;
  let lost = 0;
  // Every third notice is lost, and with it now and then a beginning.
  const [one, other] = ends((message) => message.says !== "told" || ++number % 3 !== 0 || (lost++, false));
  serve(checkpoints, other);
  const client = connect(one, { timeoutMs: 50 });
  const live = client.live({});
  const told = [];
  live.subscribe((entries) => told.push(entries.map(([key, value]) => `${key}=${read(value)}`).join()));
  const seen = follower(client, {});
  await live.loaded();
  for (let round = 0; round < 200; round++) {
    checkpoints.put(`k${round % 10}`, String(round));
    checkpoints.put("round", String(round));
    await new Promise((resolve) => setTimeout(resolve));
  }
  const right = [...checkpoints.textEntries()].map(([key, value]) => `${key}=${value}`).join();
  // If the last message was lost, the next change shows it.
  await until("everything is there", () => (checkpoints.put("more", String(number)), told.at(-1).startsWith(right)));
  // Each state that was seen is one that there was: both keys of a round come together.
  for (const state of told.slice(1)) {
    const round = /round=(\d+)/.exec(state)?.[1];
    if (round !== undefined && !state.includes(`k${round % 10}=${round}`)) throw new Error(`half of a round: ${state}`);
  }
  if (lost < 20 || seen.resets.length < 5) throw new Error(`only ${lost} messages were lost, and ${seen.resets.length} resets told`);
  client.close();
  await checkpoints.close();
}

/** If the other side goes away, reads wait for the next one, changes fail if they may have been applied, and everything ends in time. */
export async function takingOver({ Checkpoints }, { client: { connect, serve } }) {
  const storage = memory();
  const open = () => Checkpoints.open({ name: "over", storage });
  let checkpoints = await open();
  checkpoints.put("a", "1");
  await checkpoints.checkpoint();
  let isDeaf = false;
  const name = `over-${Math.random()}`;
  const channel = () => new BroadcastChannel(`alluvium/${name}`);
  const [mine, next] = [channel(), channel()];
  const deaf = { postMessage: (message) => mine.postMessage(message), removeEventListener: (...rest) => mine.removeEventListener(...rest), addEventListener: (type, listener) => mine.addEventListener(type, (event) => isDeaf && event.data.says === "call" ? undefined : listener(event)) };
  const first = serve(checkpoints, deaf);
  const client = connect(name);
  const seen = follower(client, "a");
  const live = client.liveValue("a");
  live.subscribe(() => {});
  await live.loaded();
  const { generation } = live.version;
  same("the generation", [generation === first.generation, await client.get("a").then(read)], [true, "1"]);
  checkpoints.put("a", "not durable");
  await until("it is told", () => read(live.getSnapshot()) === "not durable" && seen.values.get("a") === "not durable");
  isDeaf = true;
  const [reading, writing] = [client.get("a"), refused("a change without an answer", () => client.put("b", "1"), /^disconnected: apply: .* may have done it or not/)];
  const saving = refused("a checkpoint without an answer", () => client.checkpoint(), /^disconnected: checkpoint: .* may have done it or not/);
  await Promise.resolve();
  // The first side ends. What was not durable is not in the checkpoint that the next one opens.
  first.stop();
  await Promise.all([writing, saving]);
  same("no side is there", client.status.getSnapshot(), "connecting");
  const waiting = client.put("c", "3");
  await checkpoints.close();
  checkpoints = await open();
  checkpoints.put("more", "1");
  const second = serve(checkpoints, next);
  same("the next one answers", [read(await reading), await waiting], ["1", undefined]);
  await until("it is told that it is another state", () => read(live.getSnapshot()) === "1" && seen.resets.length > 0);
  same("a reset of another generation", [seen.resets, live.version.generation], [[second.generation], second.generation]);
  checkpoints.put("a", "2");
  await until("it continues", () => read(live.getSnapshot()) === "2" && seen.values.get("a") === "2");
  // Another side that greets takes the place of the one that there was, even if that said nothing.
  const third = serve(checkpoints, deaf);
  await until("the third is there", () => live.version.generation === third.generation);
  second.stop();
  // A side that does not answer costs a bounded time.
  const hasty = connect(name, { timeoutMs: 30 });
  await refused("no answer", () => hasty.get("a"), /^disconnected: get: the engine's side did not answer within 30 ms/);
  const alone = connect(`${name}-alone`, { timeoutMs: 30 });
  await refused("no side", () => alone.get("a"), /^disconnected: get: no engine's side was there within 30 ms/);
  await refused("what cannot be made", () => connect(() => { throw new Error("no port"); }).get("a"), /^io: the function that connects failed: Error: no port/);
  await refused("a time that is none", () => connect(name, { timeoutMs: 0 }), /^invalid-input: timeoutMs/);
  // The end of the checkpoints is the end of what serves them.
  await checkpoints.close();
  await until("it is known", () => client.status.getSnapshot() === "connecting");
  for (const one of [client, hasty, alone]) one.close();
  for (const one of [mine, next]) one.close();
}

/** A client and an engine's side of different versions say so. Messages of others are left alone. */
export async function versions({ Checkpoints }, { client: { connect, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "versions", storage: "memory" });
  const [one, other] = ends();
  const answers = [];
  one.addEventListener("message", ({ data }) => answers.push(data));
  serve(checkpoints, other);
  await until("it is there", () => answers.length > 0);
  for (const noise of ["text", null, 7, { says: "who" }]) one.postMessage(noise);
  one.postMessage({ alluvium: 2, from: "later", says: "who" });
  await until("it greets", () => answers.some(({ to }) => to === "later"));
  same("its version", answers.find(({ to }) => to === "later").alluvium, 1);
  const [client, engine] = ends();
  const old = connect(client);
  const failing = refused("another version", () => old.get("a"), /^invalid-input: the engine's side speaks version 2 of the protocol, and this client version 1/);
  engine.addEventListener("message", () => engine.postMessage({ alluvium: 2, from: "later", says: "hello" }));
  await failing;
  await refused("and then", () => old.get("a"), /version 2/);
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
