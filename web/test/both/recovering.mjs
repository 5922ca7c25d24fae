// Watches that cannot begin at once, or end at a bad moment, and that continue all the same.

import { memory, refused, same } from "./common.mjs";
import { ends, read, until } from "./ports.mjs";

/** A storage whose lists and deletions wait until they are let go. */
function held() {
  const storage = memory();
  let gate = Promise.resolve();
  let letGo = () => {};
  const waits = (call) => async (...given) => (await gate, call(...given));
  return { ...storage, list: waits(storage.list), delete: waits(storage.delete), hold: () => void (gate = new Promise((resolve) => (letGo = resolve))), letGo: () => letGo() };
}

/** What clients ask for while another checkpoint becomes the state is done when that is over, in the order of their calls. */
export async function busyEngine({ Checkpoints }, { client: { connect, serve } }) {
  const storage = held();
  const checkpoints = await Checkpoints.open({ name: "busy", storage });
  checkpoints.put("k", "1");
  await checkpoints.checkpoint();
  checkpoints.put("k", "lost");
  const [one, other] = ends();
  const served = serve(checkpoints, other);
  // No timer of the client helps: it would begin again only after an hour.
  const client = connect(one, { timeoutMs: 3_600_000 });
  await client.get("k");
  const [live, gone, told] = [client.liveValue("k"), client.liveValue("k"), []];
  storage.hold();
  const restoring = checkpoints.restore(checkpoints.latestCheckpointId);
  live.subscribe(() => {});
  client.subscribe({}, ({ changes }) => told.push(...changes.map(({ value }) => read(value))));
  const forget = gone.subscribe(() => {});
  await until("the watches have come", () => served.watches === 3);
  await refused("a call in the engine's own thread", () => checkpoints.get("k"), /^busy: /);
  let isAnswered = false;
  const calls = Promise.all([client.get("k"), client.put("w", "5"), client.getMany(["w", "none"]), client.scan()]).finally(() => (isAnswered = true));
  forget();
  await until("the calls have come, before the end of a watch", () => served.watches === 2);
  same("no call is answered", isAnswered, false);
  storage.letGo();
  await restoring;
  const [k, , many, entries] = await calls;
  same("what is read", [read(k), many.map(read), entries.map((entry) => entry.map(read))], ["1", ["5", undefined], [["k", "1"], ["w", "5"]]]);
  same("the first snapshot", [read(await live.loaded()), live.error.getSnapshot()], ["1", undefined]);
  checkpoints.put("k", "2");
  await until("both are told", () => read(live.getSnapshot()) === "2" && told.at(-1) === "2");
  same("what was ended while it waited", [served.watches, gone.version], [2, undefined]);
  client.close();
  await checkpoints.close();
}

/** A client that learns that the engine is busy begins again later, and tells nothing. */
export async function busySide(_, { client: { connect } }) {
  const [one, other] = ends();
  const attempts = [];
  other.addEventListener("message", ({ data: { from, says, watch, attempt } }) => {
    const answer = (message) => other.postMessage({ alluvium: 1, from: "side", to: from, ...message });
    if (says === "who") answer({ says: "hello", holdsLock: false });
    if (says !== "watch") return;
    attempts.push(attempt);
    if (attempt === 1) answer({ says: "failed", watch, attempt, failure: { kind: "busy", message: "a restore is running" } });
    else answer({ says: "told", watch, attempt, sequence: 1, isReset: true, changes: [] });
  });
  const client = connect(one, { timeoutMs: 20 });
  const live = client.liveValue("k");
  const errors = [];
  live.error.subscribe((error) => errors.push(error?.kind));
  live.subscribe(() => {});
  await live.loaded();
  same("attempts and errors", [attempts.slice(0, 2), errors], [[1, 2], [undefined]]);
  client.close();
}

/** What a client keeps of a snapshot is each entry, and not the whole snapshot for one of them. */
export async function snapshots({ Checkpoints }, { client: { connect, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "snapshots", storage: "memory" });
  for (const key of ["a", "b", "c"]) checkpoints.put(key, `${key} is here`);
  const [one, other] = ends();
  serve(checkpoints, other);
  const sizes = [];
  const codec = { write: (value) => value, read: (bytes) => (sizes.push(bytes.buffer.byteLength - bytes.byteLength), read(bytes)) };
  const client = connect(one, { codec });
  const live = client.live({});
  live.subscribe(() => {});
  await live.loaded();
  await checkpoints.checkpoint();
  const archive = await checkpoints.exportCheckpoint();
  checkpoints.put("b", "changed");
  await until("the change is told", () => live.getSnapshot()[1][1] === "changed");
  await checkpoints.importCheckpoint(archive);
  await until("the reset is told", () => live.getSnapshot()[1][1] === "b is here");
  same("bytes that an entry keeps beside its own", sizes, [0, 0, 0, 0, 0]);
  client.close();
  await checkpoints.close();
}

/** A live value forgets its error and its snapshot when it has no subscriber, and gets both again with the next one. */
export async function reusing({ Checkpoints }, { client: { BatchWriter, connect, json, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "reusing", storage: "memory", codec: json() });
  const [one, other] = ends();
  serve(checkpoints, other);
  const client = connect(one, { codec: json() });
  const live = client.liveValue("k");
  const reports = [];
  live.error.subscribe((error) => reports.push(error?.kind));
  checkpoints.apply(new BatchWriter().put("k", "{"));
  let stop = live.subscribe(() => {});
  await refused("it cannot be read", () => live.loaded(), /^invalid-input: /);
  stop();
  await until("the error is forgotten", () => live.error.getSnapshot() === undefined);
  checkpoints.put("k", 1);
  stop = live.subscribe(() => {});
  same("it can be read", [await live.loaded(), reports], [1, [undefined, "invalid-input", undefined]]);
  stop();
  await client.get("k");
  checkpoints.put("k", 2);
  stop = live.subscribe(() => {});
  same("what was there, and what is there", [live.getSnapshot(), await live.loaded()], [1, 2]);
  stop();
  // A callback that throws at once ends what it began.
  const broken = () => {
    throw new Error("broken");
  };
  await refused("a live value", () => live.subscribe(broken), /^undefined: broken/);
  await refused("a store", () => client.status.subscribe(broken), /^undefined: broken/);
  await client.get("k");
  checkpoints.put("k", 3);
  await client.get("k");
  same("nothing is watched", live.getSnapshot(), 2);
  client.close();
  await checkpoints.close();
}

/** Waiting for the first snapshot ends with the client. */
export async function closedClient(_, { client: { connect } }) {
  const [one] = ends();
  const client = connect(one);
  const [early, late] = [client.liveValue("k"), client.liveValue("k")];
  early.subscribe(() => {});
  const waiting = refused("closed while it waits", () => early.loaded(), /^closed: /);
  client.close();
  await waiting;
  late.subscribe(() => {});
  await refused("closed before", () => late.loaded(), /^closed: /);
  // A client that cannot continue says so to those who subscribe later, too.
  const lost = connect(() => {
    throw new Error("no port");
  });
  await refused("no port", () => lost.get("k"), /^io: /);
  const live = lost.liveValue("k");
  const errors = [];
  live.error.subscribe((error) => errors.push(error?.kind));
  live.subscribe(() => {});
  await refused("it cannot continue", () => live.loaded(), /^io: /);
  same("its error", errors, [undefined, "io"]);
}

/** A channel that is closed during a call ends what serves it, and is no uncaught error. */
export async function closedChannel({ Checkpoints }, { client: { connect, serve }, onUncaught }) {
  const storage = held();
  const create = storage.create;
  let [isCreating, letGo] = [false, () => {}];
  const gate = new Promise((resolve) => (letGo = resolve));
  const checkpoints = await Checkpoints.open({ name: "channel", storage: { ...storage, create: async (...given) => ((isCreating = true), await gate, create(...given)) } });
  checkpoints.put("k", "1");
  const found = [];
  const off = onUncaught((error) => found.push(String(error)));
  const name = `closed-${Math.random()}`;
  for (const stops of [false, true]) {
    const channel = new BroadcastChannel(`alluvium/${name}`);
    const served = serve(checkpoints, channel);
    const client = connect(name);
    const call = refused("the channel is closed", () => client.checkpoint(), /^(disconnected|closed): /);
    await until("the checkpoint is being written", () => isCreating && served.clients === 1);
    await refused("it answers", () => client.namespace("none").get("k"), /^not-found: /);
    if (stops) served.stop();
    channel.close();
    if (stops) letGo();
    else checkpoints.put("k", "2");
    client.close();
    await call;
  }
  await checkpoints.checkpoint();
  await new Promise((resolve) => setTimeout(resolve));
  off();
  same("uncaught errors", found, []);
  await checkpoints.close();
}

/** Where the browser denies locks, clients and the engine's side do without. */
export async function deniedLocks({ Checkpoints }, { client: { connect, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "denied", storage: "memory" });
  checkpoints.put("k", "1");
  const locks = { configurable: true, value: { request: () => Promise.reject(new DOMException("denied", "SecurityError")) } };
  // Node 20 has no navigator.
  const [owner, name] = globalThis.navigator === undefined ? [globalThis, "navigator"] : [navigator, "locks"];
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, owner === globalThis ? { configurable: true, value: { locks: locks.value } } : locks);
  try {
    const said = [];
    const [one, other] = ends(({ says, holdsLock }) => (holdsLock !== undefined && said.push([says, holdsLock]), true));
    serve(checkpoints, other);
    const client = connect(one, { timeoutMs: 5_000 });
    same("a value", read(await client.get("k")), "1");
    same("locks that are held", said.filter(([, holdsLock]) => holdsLock), []);
    client.close();
  } finally {
    if (before === undefined) delete owner[name];
    else Object.defineProperty(owner, name, before);
  }
  await checkpoints.close();
}
