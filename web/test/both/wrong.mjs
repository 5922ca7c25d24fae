// What callers give that is of a wrong type. Each is an error that names it, and every open state is as it was.

import { refused, same } from "./common.mjs";
import { ends, until } from "./ports.mjs";

const namespaces = { log: { kind: "ordered", bytes: 4 }, ends: { kind: "timers" } };

/** Returns a function that says a call through a port as it is, without a client, and returns the reply. */
async function strange(port) {
  const heard = [];
  port.addEventListener("message", ({ data }) => data.to === "odd" && heard.push(data));
  // The other side listens when it holds its lock.
  await until("it is greeted", () => (port.postMessage({ alluvium: 1, from: "odd", to: undefined, says: "who" }), heard.length > 0));
  let request = 0;
  return async (call) => {
    port.postMessage({ alluvium: 1, from: "odd", to: heard[0].from, says: "call", request: ++request, ...call });
    const answer = () => heard.find((message) => message.request === request);
    await until("it is answered", answer);
    return answer();
  };
}

/** A name that is no text is refused, here and from a client. */
export async function names({ Checkpoints }, { client: { connect, serve } }) {
  const other = await Checkpoints.open({ name: "other", storage: "memory" });
  other.put("a", "1");
  const checkpoints = await Checkpoints.open({ name: "names", storage: "memory", namespaces });
  const [one, side] = ends();
  serve(checkpoints, side);
  const client = connect(one, { timeoutMs: 5000 });
  const calls = {
    partition: [(name) => checkpoints.setPosition("clicks", 17n, name), (name) => checkpoints.setPosition("clicks", "text", name)],
    source: [(name) => checkpoints.setPosition(name, 17n), (name) => checkpoints.setSourceOffset(name, 1), (name) => checkpoints.sourceOffset(name), (name) => checkpoints.position(name)],
    name: [(name) => checkpoints.annotation(name), (name) => checkpoints.setAnnotation(name, "text")],
    value: [(value) => checkpoints.setAnnotation("build", value)],
    "the name of a namespace": [(name) => checkpoints.namespace(name), (name) => checkpoints.timers(name), (name) => client.namespace(name).get("a"), (name) => client.namespace(name).changes("a").next()],
    "option name": [(name) => Checkpoints.open({ name, storage: "memory" })],
    "option clock: its unixMs": [(unixMs) => Checkpoints.open({ name: "clock", storage: "memory", clock: { unixMs, monotonicUs: () => 0 } })],
    "offset of a source": [(name) => checkpoints.checkpointWithState(new Uint8Array(1), { sourceOffsets: [[name, 1]] })],
  };
  for (const [named, each] of Object.entries(calls)) {
    for (const call of each) for (const wrong of [0, 17, null, {}, ["a"], new URL("http://a")]) await refused(`${named}: ${call}`, () => call(wrong), new RegExp(`^invalid-input: ${named}: .* is not a (string|function)`));
  }
  // A client of another version may say what this one would not.
  const odd = await strange(one);
  for (const space of [5, null, {}, ["a"]]) same(`a namespace of ${space}`, (await odd({ call: "get", key: "a", space })).failure?.kind, "invalid-input");
  same("every state is there", [other.getText("a"), checkpoints.size, [...checkpoints.positions], checkpoints.annotation("build")], ["1", 0, [], undefined]);
  client.close();
  await other.close();
  await checkpoints.close();
}

/** A range that is misspelt is refused, and never larger than it was meant. */
export async function ranges({ Checkpoints }, { client: { connect, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "ranges", storage: "memory", namespaces });
  const log = checkpoints.namespace("log");
  for (const day of ["2013-01", "2013-02", "2014-01"]) log.put(day, "1");
  const [one, side] = ends();
  serve(checkpoints, side);
  const client = connect(one, { timeoutMs: 5000 });
  const remote = client.namespace("log");
  const ranged = {
    scan: (range) => [...log.scan(range)],
    scanText: (range) => [...log.scanText(range)],
    deleteRange: (range) => log.deleteRange(range),
    "scan of a client": (range) => remote.scan(range),
    "live of a client": (range) => remote.live(range),
  };
  const no = [null, "2013", 2013, ["2013"], new Map([["prefix", "2013"]]), new Uint8Array(0), new URL("http://2013")];
  for (const [what, call] of Object.entries(ranged)) {
    for (const range of no) await refused(`${what} of ${String(range)}`, () => call(range), /^invalid-input: a range.*: .* is not an object/);
    await refused(`${what} that is misspelt`, () => call({ prefx: "2013" }), /^invalid-input: a range.* has no prefx$/);
    if (what !== "deleteRange") await refused(`${what} with an order that is none`, () => call({ reverse: "no" }), /^invalid-input: reverse: no is not a boolean/);
  }
  await refused("no range", () => log.deleteRange(), /^invalid-input: a range that is deleted: undefined is not an object/);
  await refused("a limit", () => log.deleteRange({ limit: 1 }), /^invalid-input: a range that is deleted has no limit/);
  await refused("an order", () => log.deleteRange({ prefix: "2013", reverse: true }), /^invalid-input: a range that is deleted has no reverse/);
  // A client of another version may say what this one would not.
  const odd = await strange(one);
  for (const range of ["2013", null, { prefx: "2013" }]) same(`a range of ${range}`, (await odd({ call: "scan", range, space: "log" })).failure?.kind, "invalid-input");
  for (const keys of ["a", null]) same(`keys of ${keys}`, (await odd({ call: "getMany", keys })).failure?.kind, "invalid-input");
  same("nothing was deleted", [log.size, log.deleteRange({ prefix: "2013" }), log.deleteRange({})], [3, 2, 1]);
  client.close();
  await checkpoints.close();
}

/** The value of an option that is misspelt is refused, before anything is opened or taken. */
export async function choices({ Checkpoints, destroy }) {
  const open = (options) => Checkpoints.open({ name: "choices", storage: "memory", ...options });
  await refused("whenBusy", () => open({ whenBusy: "wait" }), /^invalid-input: option whenBusy: "wait" is not one of "queue", "join", "fail"/);
  await refused("whenTaken", () => open({ whenTaken: "stael" }), /^invalid-input: option whenTaken: "stael" is not one of "fail", "wait", "steal"/);
  await refused("storage", () => open({ storage: "indexedDB" }), /^invalid-input: option storage: "indexedDB" is not one of /);
  await refused("no options", () => Checkpoints.open(), /^invalid-input: the options of open: undefined is not an object/);
  const checkpoints = await open({ whenBusy: null, whenTaken: undefined });
  for (const whenBusy of ["wait", 1]) await refused("of a checkpoint", () => checkpoints.checkpoint({ whenBusy }), /^invalid-input: whenBusy: .* is not one of /);
  await refused("options of a checkpoint", () => checkpoints.checkpoint(null), /^invalid-input: /);
  await refused("what is not deleted", () => destroy("choices", "OPFS"), /^invalid-input: storage: "OPFS" is not one of "indexeddb", "opfs"/);
  for (const name of [undefined, 5, "a/b", ""]) await refused("no name", () => destroy(name), /^invalid-input: name/);
  same("nothing was taken", checkpoints.latestCheckpointId, undefined);
  await checkpoints.close();
}

/** A number that has no room in 32 bits is refused, and is not another one. */
export async function numbers({ Checkpoints }, { client: { connect } }) {
  for (const timeoutMs of [2 ** 31, 2 ** 32 + 1, 0, "1"]) await refused("a time", () => connect(ends()[0], { timeoutMs }), /^invalid-input: timeoutMs: .* is not a number of milliseconds/);
  const checkpoints = await Checkpoints.open({ name: "numbers", storage: "memory", maxRetained: 10, maxInFlight: null, namespaces: { ...namespaces, short: { expires: { clock: "event", afterMs: 1 } } } });
  for (let at = 0; at < 3; at++) checkpoints.put("a", String(at)), await checkpoints.checkpoint();
  const [short, timers] = [checkpoints.namespace("short"), checkpoints.timers("ends")];
  for (const key of ["a", "b", "c"]) short.put(key, "1"), timers.set(1, key);
  const calls = {
    keep: (keep) => checkpoints.cleanup(keep),
    limit: (limit) => checkpoints.deleteExpired(limit),
    "limit of timers that are due": (limit) => timers.due({ limit }),
    "limit of timers that are taken": (limit) => timers.take({ limit }),
  };
  for (const [what, call] of Object.entries(calls)) {
    for (const wrong of [2 ** 32, 2 ** 32 + 1, -1, 1.5, NaN, Infinity, 2 ** 53, null, "1"]) await refused(`${what} of ${wrong}`, () => call(wrong), new RegExp(`^invalid-input: ${what.split(" ")[0]}: ${JSON.stringify(wrong) === '"1"' ? '"1"' : String(wrong)} is not an integer from `));
  }
  await refused("schema", () => Checkpoints.open({ name: "schema", storage: "memory", namespaces: { a: { schema: 2 ** 32 } } }), /^invalid-input: namespace "a": schema: 4294967296 is not an integer from 0 to 4294967295/);
  same("nothing was deleted", [(await checkpoints.list()).length, timers.size, short.size], [3, 3, 3]);
  await checkpoints.cleanup(2 ** 32 - 1);
  same("the largest one", [(await checkpoints.list()).length, checkpoints.deleteExpired(2 ** 32 - 1), timers.due({ upTo: 1, limit: 2 ** 32 - 1 }).length], [3, 0, 3]);
  await checkpoints.close();
}

/** What carries no messages is refused at once, and what a function returns when it is called. */
export async function carriers({ Checkpoints }, { client: { connect, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "carriers", storage: "memory" });
  for (const wrong of [{}, undefined, null, 7, { postMessage() {} }]) {
    await refused("connected", () => connect(wrong), /^invalid-input: what is connected to is no port, channel or worker: it has no method /);
    await refused("served", () => serve(checkpoints, wrong), /^invalid-input: what is served through is no port, channel or worker: it has no method /);
    const client = connect(() => wrong, { timeoutMs: 60_000 });
    await refused("made by a function", () => client.get("a"), /^invalid-input: what the function that connects returned is no port/);
    same("it has ended", client.status.getSnapshot(), "closed");
  }
  const [one, side] = ends();
  await refused("options of connect", () => connect(one, null), /^invalid-input: the options of connect: null is not an object/);
  await refused("options of serve", () => serve(checkpoints, side, null), /^invalid-input: the options of serve: null is not an object/);
  for (const wrong of [undefined, {}]) await refused("what is no state", () => serve(wrong, side), /^invalid-input: only open checkpoints are served/);
  await checkpoints.close();
}

/** What is no batch, no file, no state and no declaration is refused, and so are bytes that were transferred. */
export async function things({ BatchWriter, Checkpoints }) {
  const open = (options) => Checkpoints.open({ name: "things", storage: "memory", ...options });
  const checkpoints = await open();
  checkpoints.put("a", "1");
  const { id } = await checkpoints.checkpoint();
  const gone = () => {
    const bytes = new Uint8Array([1, 2, 3]);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    return bytes;
  };
  // A view of a part that its buffer does not have any more.
  const cut = (Kind = Uint8Array) => {
    const buffer = new ArrayBuffer(32, { maxByteLength: 32 });
    const view = new Kind(buffer, 16, 8 / (Kind.BYTES_PER_ELEMENT ?? 1));
    buffer.resize(8);
    return view;
  };
  const cuts = ArrayBuffer.prototype.resize === undefined ? {} : {
    "a key that is cut off": [() => checkpoints.put(cut(), "x"), /or has become shorter/],
    "a value that is cut off": [() => checkpoints.put("d", cut()), /or has become shorter/],
    "a key of a batch that is cut off": [() => batch.put(cut(), "x"), /or has become shorter/],
    "a value of a batch that is cut off": [() => batch.put("d", cut()), /or has become shorter/],
    ...Object.fromEntries([Uint8Array, BigInt64Array, Float32Array, DataView].map((Kind) => [`a ${Kind.name} that is cut off`, [() => checkpoints.checkpointWithState(cut(Kind)), /state: .*or has become shorter/]])),
  };
  const batch = new BatchWriter().put("b", "2");
  const calls = {
    ...cuts,
    "a detached store id": [() => open({ storeId: gone() }), /option storeId: .*their buffer was transferred/],
    "a store id of another length": [() => open({ storeId: new Uint8Array(15) }), /option storeId: invalid length 15/],
    "a detached id of a writer": [() => open({ writer: gone() }), /option writer: .*their buffer was transferred/],
    "a codec without functions": [() => open({ codec: {} }), /codec: its write: undefined is not a function/],
    "a codec of a namespace": [() => checkpoints.namespace("a", { write: String }), /codec: its read: undefined is not a function/],
    "a detached key": [() => checkpoints.put(gone(), "x"), /their buffer was transferred/],
    "a detached key that is read": [() => checkpoints.get(gone()), /their buffer was transferred/],
    "a detached value": [() => checkpoints.put("d", gone()), /their buffer was transferred/],
    "a detached key of a batch": [() => batch.put(gone(), "x"), /their buffer was transferred/],
    "a detached value of a batch": [() => batch.put("d", gone()), /their buffer was transferred/],
    "a detached key that is watched": [() => checkpoints.subscribe(gone(), () => {}), /their buffer was transferred/],
    "a detached batch": [() => checkpoints.applyPacked(gone()), /their buffer was transferred/],
    "a detached file": [() => checkpoints.importCheckpoint(gone()), /the file: .*their buffer was transferred/],
    "a detached buffer": [() => checkpoints.importCheckpoint(gone().buffer), /the file: .*their buffer was transferred/],
    "a detached state": [() => checkpoints.checkpointWithState(gone()), /state: .*their buffer was transferred/],
    "a number as file": [() => checkpoints.importCheckpoint(2 ** 40), /the file: 1099511627776 is not bytes/],
    "a text as file": [() => checkpoints.importCheckpoint("file"), /the file: "file" is not bytes/],
    "an object as batch": [() => checkpoints.apply({}), /a BatchWriter is applied/],
    "nothing as batch": [() => checkpoints.apply(), /a BatchWriter is applied/],
    "no keys": [() => checkpoints.getMany(null), /keys: null is not an array/],
    "a text as keys": [() => checkpoints.getMany("ab"), /keys: "ab" is not an array/],
    "a number as state": [() => checkpoints.checkpointWithState(5), /state: 5 is not bytes/],
    "numbers as state": [() => checkpoints.checkpointWithState([1, 2]), /state: .* is not bytes/],
    "no options": [() => checkpoints.checkpointWithState(new Uint8Array(1), null), /the options of checkpointWithState: null is not an object/],
    "offsets that are none": [() => checkpoints.checkpointWithState(new Uint8Array(1), { sourceOffsets: 5 }), /sourceOffsets: its iterator/],
    "an offset that is none": [() => checkpoints.checkpointWithState(new Uint8Array(1), { sourceOffsets: [5] }), /offset of a source: 5 is not an array/],
    "options of a sync": [() => checkpoints.sync(null), /the options of sync: null is not an object/],
    "a position of a sync": [() => checkpoints.sync({ walPosition: 5 }), /walPosition: 5 is not a function/],
    "an event": [() => checkpoints.on("checkpiont", () => {}), /event: "checkpiont" is not one of /],
    "a listener": [() => checkpoints.on("checkpoint", 5), /listener: 5 is not a function/],
    "a callback": [() => checkpoints.subscribe("a", 5), /callback: 5 is not a function/],
    "no namespaces": [() => open({ namespaces: [{}] }), /option namespaces: \[object Array\] is not an object/],
    "no declaration": [() => open({ namespaces: { a: null } }), /namespace "a": null is not an object/],
    "no expiry": [() => open({ namespaces: { a: { expires: null } } }), /namespace "a": expires: null is not an object/],
    "an expiry that is misspelt": [() => open({ namespaces: { a: { expires: { clock: "event", afterMs: 1, after: 2 } } } }), /namespace "a": expires has no after/],
  };
  for (const [what, [call, why]] of Object.entries(calls)) await refused(what, call, new RegExp(`^invalid-input: .*${why.source}`));
  let isThrown = true;
  const rejected = checkpoints.checkpointWithState(new Uint8Array(1), { walPosition: 1.5 });
  isThrown = false;
  await refused("it is rejected, and not thrown", () => rejected, /^invalid-input: walPosition: 1.5/);
  same("nothing has changed", [isThrown, checkpoints.size, batch.size, checkpoints.latestCheckpointId === id, checkpoints.isChanged], [false, 1, 1, true, false]);
  // Bytes of length 0 are keys and values like others.
  checkpoints.put(new Uint8Array(), new Uint8Array());
  checkpoints.apply(new BatchWriter().put("", new Uint8Array()));
  same("nothing is something", [checkpoints.get(new Uint8Array(0)).length, checkpoints.size], [0, 2]);
  await checkpoints.close();
}
