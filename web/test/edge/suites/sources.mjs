// Tests of `alluvium/sources` in Node, each with a server that is interrupted. The reader crashes, too.

import { createServer } from "node:http";

import { same, seed, until } from "../../harness.mjs";
import { random } from "../../stream.mjs";
import { RECORDS, apply, opened, withCrashes } from "../crashes.mjs";
import { imported } from "../project.mjs";

const { Checkpoints } = await import("../../../dist/node.js");
const { ConnectionLost, consume, iterable, positionOf, positioned, serverEvents, webSocket } = await import("../../../dist/sources/index.js");
const { memoryDirectory } = await import("../../../dist/testing/index.js");

export async function iterables() {
  const numbers = (from) => (async function* () {
    for (let number = Number(from); number < RECORDS; number++) yield { number };
  })();
  const { crashes } = await withCrashes(() => iterable("numbers", numbers));
  const given = await withCrashes(() =>
    positioned("given", (from) => Array.from({ length: RECORDS }, (_, number) => ({ value: { number }, position: `p${number}` })).slice(from === undefined ? 0 : Number(from.slice(1)) + 1)),
  );
  if (crashes < 2 || given.crashes < 2) throw new Error(`only ${crashes} and ${given.crashes} crashes`);
  return `${crashes + given.crashes} crashes`;
}

/** What the caller does wrong, and what the source gives wrong, is an error. State and position stay together. */
export async function misuse() {
  const { checkpoints } = await opened(new Map());
  const failed = (source, work, options) => consume(checkpoints, source, work, options).then(() => "ended", (error) => `${error.kind ?? error.name}: ${error.message}`);
  const three = iterable("three", (count) => ["a", "b", "c"].slice(Number(count)));
  const found = [
    await failed(three, async () => {}),
    await failed(three, (value) => { if (value === "b") throw new Error("no b"); checkpoints.put(value, "1"); }),
    String(positionOf(checkpoints, "three")),
    await failed(three, (value) => checkpoints.put(value, "1")),
    String(positionOf(checkpoints, "three")),
    await failed(serverEvents("three", () => {}), () => {}),
    await failed(iterable("broken", () => { throw new Error("no source"); }), () => {}),
  ];
  checkpoints.setPosition("opaque", "text");
  found.push(await failed(iterable("opaque", () => []), () => {}));
  same("the state", [...checkpoints.textEntries()].map(([key]) => key), ["a", "b", "c"]);
  // A record that comes again, or after one with a larger number, is refused before it changes the state.
  const given = (...numbers) => positioned("given", async function* () { for (const number of numbers) yield { value: number, position: BigInt(number) }; });
  const applied = [];
  for (const numbers of [[3, 5, 5, 6], [6, 2], [7]]) found.push(await failed(given(...numbers), (number) => void applied.push(number)));
  const expected = [/^invalid-input: three: apply returned a promise/, /^Error: no b$/, /^1$/, /^ended$/, /^3$/, /^Error: three: the position "3" is not one/, /^Error: no source$/, /^Error: opaque: the position "text" is not a number/, /^invalid-input: given: a record with the position 5 came after the position 5; /, /^invalid-input: given: .* 2 came after the position 6; /, /^ended$/];
  found.forEach((text, at) => { if (!expected[at].test(text)) throw new Error(`${at}: ${text}`); });
  same("each number once, in order", [applied, String(positionOf(checkpoints, "given"))], [[3, 5, 6, 7], "7"]);
  // What a source throws when it is left concerns no record. What was applied is durable.
  const left = new AbortController();
  const untidy = positioned("untidy", function* () { try { for (let at = 1n; ; at++) yield { value: at, position: at }; } finally { throw new Error("it cannot be left"); } });
  same("a source that cannot be left", await failed(untidy, (value) => { checkpoints.put("untidy", String(value)); if (value === 5n) left.abort(); }, { signal: left.signal }), "ended");
  same("it is durable", [checkpoints.getText("untidy"), checkpoints.isChanged], ["5", false]);
  checkpoints.delete("untidy");
  // A source that gives nothing ends when it is told to.
  const stop = new AbortController();
  const waiting = failed(iterable("never", () => (async function* () { await new Promise(() => {}); })()), () => {}, { signal: stop.signal });
  stop.abort();
  same("after the signal", await waiting, "ended");
  // Checkpoints of somebody else are waited for, whichever options there are.
  const directory = memoryDirectory();
  const slow = { ...directory, create: async (...given) => (await new Promise((resolve) => setTimeout(resolve, 5)), directory.create(...given)) };
  const busy = await Checkpoints.open({ name: "busy", storage: slow, whenBusy: "fail", maxInFlight: 1, intervalMs: 1 });
  let others = 0;
  const beside = iterable("beside", async function* () { for (let at = 0; at < 40; at++) { busy.checkpoint().then(() => others++, () => {}); await new Promise((resolve) => setTimeout(resolve)); yield at; } });
  await consume(busy, beside, (at) => busy.put(`k${at}`, "1"));
  same("all of it", [busy.size, busy.isChanged, others > 0], [40, false, true]);
  await busy.close();
  // An interrupted source is read again, from its last position.
  let attempts = 0;
  const flaky = positioned("flaky", async function* (from) {
    attempts++;
    for (let at = from === undefined ? 0 : Number(from); at < 6; at++) {
      yield { value: at, position: String(at + 1) };
      if (at % 2 === 1) throw new ConnectionLost("interrupted");
    }
  });
  const values = [];
  const delays = [];
  same("a flaky source", await failed(flaky, (value) => values.push(value) && undefined, { onRetry: (_, delayMs) => delays.push(delayMs) }), "ended");
  same("its values and attempts", [values, attempts, delays.length], [[0, 1, 2, 3, 4, 5], 4, 3]);
  await checkpoints.close();
}

/** Keeps account of the timers with a fraction of a millisecond, which are those of `consume` here, while `work` runs. */
async function withTimers(work) {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const timers = { pending: new Set(), set: 0 };
  globalThis.setTimeout = (call, ms, ...rest) => {
    if (Number.isInteger(ms)) return set(call, ms, ...rest);
    const timer = set(() => (timers.pending.delete(timer), call()), ms);
    timers.pending.add(timer);
    timers.set++;
    return timer;
  };
  globalThis.clearTimeout = (timer) => (timers.pending.delete(timer), clear(timer));
  try {
    await work(timers);
  } finally {
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  }
}

/** A checkpoint comes when it is due, while the source is silent. No timer is left when the reading has ended. */
export const silent = () => withTimers(async (timers) => {
  const open = (storage, more) => Checkpoints.open({ name: "silent", storage, intervalMs: 50, ...more });
  const files = new Map();
  const checkpoints = await open(memoryDirectory(files));
  const taken = [];
  checkpoints.on("checkpoint", ({ metadata }) => taken.push([...metadata.sourceOffsets.values()].join() || metadata.keyCount));
  const three = positioned("three", async function* () {
    for (const at of [1, 2, 3]) yield { value: `k${at}`, position: String(at) };
    await new Promise(() => {});
  });
  const stop = new AbortController();
  const reading = consume(checkpoints, three, (key) => checkpoints.put(key, "1"), { signal: stop.signal });
  await until("the checkpoint is there", () => taken.includes(3));
  same("what is durable needs no other one", [timers.set > 0, timers.pending.size], [true, 0]);
  const [fresh, other] = [await open(memoryDirectory(new Map(files)), { readOnly: true }), positionOf(checkpoints, "three")];
  same("it is durable", [fresh.size, positionOf(fresh, "three"), other], [3, "3", "3"]);
  stop.abort();
  await reading;
  await fresh.close();
  await checkpoints.close();

  // No timer is left beside a source that gives more, or when it has ended.
  const more = await open(memoryDirectory(), { intervalMs: 3_600_001 });
  const set = timers.set;
  await consume(more, positioned("more", async function* () {
    for (let at = 1; at < 5; at++) {
      yield { value: `k${at}`, position: String(at) };
      same("one timer at most", timers.pending.size <= 1, true);
    }
  }), (key) => more.put(key, "1"));
  same("after the end", [timers.set > set, timers.pending.size, more.isChanged], [true, 0, false]);
  await more.close();

  // A record that was applied by half is in no checkpoint, however long the source takes to end.
  const half = await open(memoryDirectory());
  let [saved, leaving] = [0, undefined];
  half.on("checkpoint", () => saved++);
  const slow = { name: "slow", async *read() {
    try {
      yield [{ value: "a", position: "1" }];
      yield [{ value: "b", position: "2" }];
    } finally {
      leaving = timers.pending.size;
    }
  } };
  const failing = consume(half, slow, (key) => {
    half.put(key, "1");
    if (key === "b") throw new Error("half a record");
  });
  same("the error", await failing.catch(({ message }) => message), "half a record");
  same("no checkpoint, and no timer for one", [saved, leaving, timers.pending.size], [0, 0, 0]);
  await half.close();

  // A checkpoint that fails ends the reading, also of a silent source.
  const full = await open({ ...memoryDirectory(), create: async () => { throw Object.assign(new Error("full"), { kind: "no-space" }); } });
  same("the error of the storage", await consume(full, three, (key) => full.put(key, "1")).catch(({ kind }) => kind), "no-space");
  await full.close();
  // And so do checkpoints that are closed.
  const closed = await open(memoryDirectory());
  const reader = consume(closed, three, (key) => closed.put(key, "1"));
  await until("the records are there", () => closed.size === 3);
  await closed.close();
  same("the end of closed ones", await reader.catch(({ kind }) => kind), "closed");
  same("no timer is left", timers.pending.size, 0);
});

/**
 * Checkpoints are restored, imported and deleted while a source is read. It is read again from the position of the one
 * that became the state, also if it is silent.
 */
export async function replaced() {
  const next = random(seed + 13);
  const checkpoints = await Checkpoints.open({ name: "replaced", storage: memoryDirectory(), intervalMs: 1, maxRetained: 1000 });
  const total = 2000;
  let readings = 0;
  const numbers = iterable("numbers", async function* (from) {
    readings++;
    for (let number = Number(from); number < total; number++) {
      // Now and then it takes a while, so that everything can happen at any record.
      if (number % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
      yield { number };
    }
    await new Promise(() => {});
  });
  const stop = new AbortController();
  let failure;
  const reading = consume(checkpoints, numbers, (record) => apply(checkpoints, record), { signal: stop.signal });
  reading.catch((error) => (failure = error));
  const any = async () => {
    const listed = (await checkpoints.list()).filter(({ metadata }) => metadata);
    return listed[Math.floor(next() * listed.length)].id;
  };
  const absent = () => checkpoints.restore(10n ** 6n).then(() => "restored", ({ kind }) => kind);
  const works = [
    async () => checkpoints.restore(await any()),
    async () => checkpoints.importCheckpoint(await checkpoints.exportCheckpoint(await any())),
    async () => checkpoints.cleanup(3),
    async () => checkpoints.collectGarbage(),
    async () => checkpoints.deleteCheckpoint(await any()),
    async () => same("one that is absent", await absent(), "not-found"),
    async () => Promise.all([checkpoints.restore(await any()), checkpoints.checkpointWithState(Uint8Array.of(1)), checkpoints.checkpoint()]),
  ];
  await until("there are checkpoints", () => failure !== undefined || checkpoints.latestCheckpointId > 3n);
  for (let round = 0; round < 60 && failure === undefined; round++) {
    await works[round % works.length]();
    const size = checkpoints.size;
    const isThere = () => failure !== undefined || checkpoints.size === total || checkpoints.size > size + 100 * next();
    await until("it goes on", isThere);
    same("state and position", Number(positionOf(checkpoints, "numbers") ?? 0n), checkpoints.size);
  }
  await until("all is read", () => failure !== undefined || checkpoints.size === total);
  // Now the source is silent, and gives nothing that would wake the reader.
  await checkpoints.restore((await checkpoints.list()).findLast(({ metadata }) => metadata).id);
  await until("it is read again", () => failure !== undefined || checkpoints.size === total);
  stop.abort();
  await reading;
  if (readings < 20) throw new Error(`only ${readings} readings`);
  const position = positionOf(checkpoints, "numbers");
  await checkpoints.close();
  return `${readings} readings, up to ${position}`;
}

/** A server of events that breaks its connections. Every third event has no id. */
export async function events() {
  const { EventSource } = await imported("eventsource");
  const next = random(seed + 13);
  let connections = 0;
  const server = createServer((request, response) => {
    connections++;
    const last = request.headers["last-event-id"];
    if (request.url !== "/events") return void response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write("retry: 5\n\n");
    const until = Math.ceil(next() * 300);
    let number = last === undefined ? 0 : Number(last) + 1;
    for (let sent = 0; sent < until && number < RECORDS; sent++, number++) {
      response.write(`${number % 3 === 2 ? "" : `id: ${number}\n`}data: ${JSON.stringify({ number })}\n\n`);
    }
    setTimeout(() => response.destroy(), 5);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = (path) => `http://127.0.0.1:${server.address().port}${path}`;
  try {
    const source = (path) =>
      serverEvents("events", (id) => new EventSource(at(path), { fetch: (address, init) => fetch(address, { ...init, headers: { ...(id !== undefined && { "Last-Event-ID": id }), ...init.headers } }) }));
    const { crashes } = await withCrashes(() => source("/events"));
    if (crashes < 2 || connections < 5) throw new Error(`only ${crashes} crashes and ${connections} connections`);
    const { checkpoints } = await opened(new Map());
    const refused = await consume(checkpoints, source("/none"), () => {}).catch((error) => error.message);
    if (!/the server refused the events with status 404/.test(refused)) throw new Error(refused);
    await checkpoints.close();
    return `${crashes} crashes, ${connections} connections`;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A server of a WebSocket that breaks its connections, and then sends more than a reader holds. */
export async function sockets() {
  const { default: WebSocket } = await imported("ws");
  const next = random(seed + 14);
  let connections = 0;
  let most = () => Math.ceil(next() * 300);
  const server = new WebSocket.Server({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    connections++;
    socket.once("message", (asked) => {
      const { after } = JSON.parse(asked);
      const until = Math.min(after + 1 + most(), total);
      for (let number = after + 1; number < until; number++) socket.send(JSON.stringify({ number }));
      socket.send(JSON.stringify({ ping: true }));
      if (until === total) socket.close(1000);
      else setTimeout(() => socket.terminate(), 5);
    });
  });
  let total = RECORDS;
  const source = () =>
    webSocket("socket", {
      connect: () => new WebSocket(`ws://127.0.0.1:${server.address().port}`),
      resume: (from) => JSON.stringify({ after: from === undefined ? -1 : Number(from) }),
      record: (data) => {
        const value = JSON.parse(data);
        return value.ping ? undefined : { value, position: BigInt(value.number) };
      },
    });
  try {
    await new Promise((resolve) => server.once("listening", resolve));
    const { crashes, retries } = await withCrashes(source);
    if (crashes < 2 || retries < 2) throw new Error(`only ${crashes} crashes and ${retries} retries`);
    // A burst that is larger than what is held.
    total = 25_000;
    most = () => total;
    const before = connections;
    await withCrashes(source, total);
    if (connections < before + 3) throw new Error(`only ${connections - before} connections for ${total} messages`);
    return `${crashes} crashes, ${connections} connections`;
  } finally {
    for (const socket of server.clients) socket.terminate();
    server.close();
  }
}
