// Namespaces: ranges, merges, expiry, timers, and what they are when another checkpoint becomes the state.

import { memory, randoms, refused, same } from "./common.mjs";

const bytes = (text) => new TextEncoder().encode(text);
const compare = (a, b) => {
  for (let at = 0; at < Math.min(a.length, b.length); at++) if (a[at] !== b[at]) return a[at] - b[at];
  return a.length - b.length;
};

/** Scans, walks and deletions of ranges find what a sorted list has. */
export async function ranges({ BatchWriter, Checkpoints, textOf }) {
  const checkpoints = await Checkpoints.open({ name: "ranges", storage: "memory", namespaces: { log: { kind: "ordered", bytes: 2 }, plain: {} } });
  const [log, plain] = [checkpoints.namespace("log"), checkpoints.namespace("plain")];
  const random = randoms(3);
  const alphabet = ["a", "b", "ÿ", "z", "\0"];
  const name = (most) => Array.from({ length: Math.floor(random() * most) }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
  const model = new Map();
  const sorted = (from = "", to, prefix = "") =>
    [...model.keys()]
      .sort((a, b) => compare(bytes(a), bytes(b)))
      .filter((key) => compare(bytes(key), bytes(from)) >= 0 && (to === undefined || compare(bytes(key), bytes(to)) < 0) && key.startsWith(prefix));
  for (let round = 0; round < 50; round++) {
    const batch = new BatchWriter();
    for (let at = 0; at < 40; at++) {
      const key = name(7);
      if (random() < 0.25) batch.delete(key), model.delete(key);
      else batch.put(key, `${round}`), model.set(key, `${round}`);
    }
    const packed = batch.pack();
    log.apply(batch);
    plain.applyPacked(packed);
    const [from, to] = [name(4), random() < 0.3 ? undefined : name(4)];
    const prefix = random() < 0.5 ? name(3) : undefined;
    const reverse = random() < 0.5;
    const limit = random() < 0.5 ? Math.floor(random() * 20) : undefined;
    let expected = sorted(from, to, prefix);
    if (reverse) expected.reverse();
    expected = expected.slice(0, limit);
    same(`scan ${round}`, [...log.scanText({ from, to, prefix, reverse, limit })].map(([key]) => key), expected);
    same(`values ${round}`, [...log.scan({ from, to, prefix })].map(([, value]) => textOf(value)), sorted(from, to, prefix).map((key) => model.get(key)));
    const under = prefix ?? "";
    for (const space of [log, plain]) same(`entries ${round}`, [...space.textEntries(under)], sorted("", undefined, under).map((key) => [key, model.get(key)]));
    if (round % 10 === 9) {
      const gone = sorted(from, to, prefix);
      same(`deleted ${round}`, log.deleteRange({ from, to, prefix }), gone.length);
      for (const key of gone) model.delete(key), plain.delete(key);
    }
    same(`size ${round}`, [log.size, plain.size], [model.size, model.size]);
  }
  // A prefix of the largest bytes has no key behind it.
  log.put(new Uint8Array([255, 255, 1]), "last");
  same("the last prefix", [...log.scan({ prefix: new Uint8Array([255, 255]) })].length, 1);
  same("more than a page, while it changes", pages(log), true);
  await refused("a hashed namespace has no ranges", () => [...plain.scan()], /^invalid-input: .*only keys of ordered ones have ranges/);
  await refused("a hashed namespace deletes no range", () => plain.deleteRange({}), /^invalid-input: /);
  await refused("a limit", () => [...log.scan({ limit: -1 })], /^invalid-input: limit: -1 /);
  await checkpoints.close();
}

/** Deletes what was found while more is found, in both directions. */
function pages(space) {
  for (const reverse of [false, true]) {
    space.deleteRange({});
    for (let at = 0; at < 3000; at++) space.put(String(at).padStart(6, "0"), "x");
    const found = [];
    for (const [key] of space.scanText({ reverse })) found.push(key), space.delete(key);
    if (reverse) found.reverse();
    if (found.length !== 3000 || space.size !== 0 || found.some((key, at) => Number(key) !== at)) return false;
  }
  return true;
}

/** One call merges, and counts are those of a Map. */
export async function merging({ BatchWriter, Checkpoints, int64, text }) {
  const storage = memory();
  const namespaces = { totals: { merge: "add" }, least: { merge: "min" }, most: { merge: "max" }, all: { merge: "append" } };
  let checkpoints = await Checkpoints.open({ name: "merging", storage, namespaces });
  const totals = checkpoints.namespace("totals", int64);
  const random = randoms(5);
  const model = new Map();
  const batch = new BatchWriter(int64);
  for (let round = 0; round < 3000; round++) {
    const key = `key-${Math.floor(random() * 300)}`;
    const by = [1, -3, 2 ** 40, -(2 ** 45), 2n ** 62n, -1n, Number.MAX_SAFE_INTEGER][Math.floor(random() * 7)];
    model.set(key, BigInt.asIntN(64, (model.get(key) ?? 0n) + BigInt(by)));
    if (round % 2) {
      // What is in the batch comes first.
      totals.apply(batch);
      totals.count(key, by);
    } else batch.count(key, by);
  }
  totals.apply(batch);
  for (const [key, count] of model) same(key, totals.get(key), count);
  same("many", totals.getMany(["key-1", "none"]), [model.get("key-1"), undefined]);
  await refused("half", () => totals.count("key-1", 0.5), /^invalid-input: count: 0.5 is not a safe integer/);
  await refused("too many", () => totals.count("key-1", 2n ** 63n), /^invalid-input: count: /);
  await refused("no number", () => checkpoints.namespace("totals").put("x", "short"), /^invalid-input: namespace 1: not a number of eight bytes/);
  const [least, most, all] = ["least", "most", "all"].map((name) => checkpoints.namespace(name, text));
  for (const value of ["m", "c", "x"]) least.merge("k", value), most.merge("k", value), all.merge("k", value);
  same("merged", [least.get("k"), most.get("k"), all.get("k")], ["c", "x", "mcx"]);
  await checkpoints.checkpoint();
  await checkpoints.close();
  checkpoints = await Checkpoints.open({ name: "merging", storage });
  same("names", checkpoints.namespaces, ["totals", "least", "most", "all"]);
  for (const [key, count] of model) same(`${key}, recovered`, checkpoints.namespace("totals", int64).get(key), count);
  await checkpoints.close();
}

/** Entries go away by themselves, and timers are due in their order. */
export async function times({ Checkpoints, textOf }) {
  const storage = memory();
  const namespaces = {
    seen: { expires: { clock: "processing", afterMs: 1000 } },
    ends: { kind: "timers" },
    alarms: { kind: "timers", clock: "processing" },
  };
  const open = () => Checkpoints.open({ name: "times", storage, namespaces });
  let checkpoints = await open();
  const seen = checkpoints.namespace("seen");
  same("no time", [checkpoints.processingTime, checkpoints.timers("alarms").clock], [undefined, undefined]);
  checkpoints.setProcessingTime(10_000);
  seen.put("a", "1");
  checkpoints.setProcessingTime(10_600);
  seen.put("b", "2");
  checkpoints.setProcessingTime(11_000);
  same("expired", [seen.has("a"), seen.getText("b"), [...seen.textEntries()]], [false, "2", [["b", "2"]]]);
  same("deleted with the clock", [seen.size, checkpoints.deleteExpired()], [1, 0]);
  const [ends, alarms] = [checkpoints.timers("ends"), checkpoints.timers("alarms")];
  for (const [at, key] of [[30, "c"], [10n, "b"], [10, "a"], [-5, "d"], [10, "a"]]) ends.set(at, key);
  const list = (timers) => timers.map(({ at, key }) => `${at} ${textOf(key)}`);
  same("none is due without a watermark", [ends.due(), ends.take()], [[], []]);
  checkpoints.setWatermark(10);
  same("due", list(ends.due()), ["-5 d", "10 a", "10 b"]);
  same("limited", [list(ends.due({ limit: 1 })), list(ends.due({ upTo: 100 }))], [["-5 d"], ["-5 d", "10 a", "10 b", "30 c"]]);
  same("deleted", [ends.delete(10, "a"), ends.delete(10, "a"), ends.size], [true, false, 3]);
  alarms.set(11_000, "now");
  await checkpoints.checkpoint();
  same("taken", [list(ends.take()), list(ends.take()), ends.size], [["-5 d", "10 b"], [], 1]);
  await checkpoints.close();
  // What was taken after the checkpoint is due again.
  checkpoints = await open();
  same("again", [list(checkpoints.timers("ends").take()), list(checkpoints.timers("alarms").due()), checkpoints.timers("alarms").clock], [["-5 d", "10 b"], ["11000 now"], 11_000n]);
  await refused("no number of timers", () => ends.due({ limit: 0 }), /^(closed|invalid-input): /);
  await checkpoints.close();
}

/** A declaration that is wrong is named. A handle finds its namespace again when another checkpoint becomes the state. */
export async function declaring({ Checkpoints, json }) {
  const open = (namespaces, more) => Checkpoints.open({ name: "declaring", storage: "memory", namespaces, ...more });
  const wrong = [
    [{ kind: "sorted" }, /a kind is "hashed", "ordered" or "timers", and not "sorted"/],
    [{ kind: "ordered" }, /"bytes" belongs to kind "ordered"/],
    [{ bytes: 3 }, /"bytes" belongs to kind "ordered"/],
    [{ kind: "ordered", bytes: 0 }, /bytes: 0 is not a number from 1 to 65535/],
    [{ kind: "timers", clock: "wall" }, /a clock is "event" or "processing", and not "wall"/],
    [{ clock: "event" }, /"clock" belongs to kind "timers"/],
    [{ kind: "timers", expires: { clock: "event", afterMs: 1 } }, /timers do not expire/],
    [{ kind: "timers", merge: "add" }, /timers neither expire nor merge/],
    [{ expires: { clock: "event", afterMs: 0 } }, /expires.afterMs: 0 is not/],
    [{ merge: "multiply" }, /there is no merge "multiply"/],
    [{ ttl: 5 }, /a declaration has no ttl/],
  ];
  for (const [declaration, expected] of wrong) await refused(JSON.stringify(declaration), () => open({ orders: declaration }), new RegExp(`^invalid-input: .*${expected.source}`));
  const storage = memory();
  let checkpoints = await open({ first: {} }, { storage });
  checkpoints.namespace("first").put("k", "1");
  const before = await checkpoints.checkpoint();
  const archive = await checkpoints.exportCheckpoint();
  await checkpoints.close();
  await refused("another kind", () => open({ first: { kind: "timers" } }, { storage }), /^invalid-input: namespace "first" is declared as/);

  checkpoints = await open({ other: {}, first: {}, late: { kind: "ordered", bytes: 1 } }, { storage });
  await refused("not declared", () => checkpoints.namespace("missing"), /^not-found: namespace "missing" is not declared/);
  await refused("timers of a map", () => checkpoints.timers("late"), /^invalid-input: .*does not hold timers/);
  const [first, late] = [checkpoints.namespace("first"), checkpoints.namespace("late", json())];
  late.put("l", { is: "late" });
  first.put("k", "2");
  await checkpoints.checkpoint();
  await checkpoints.restore(before.id);
  same("restored", [first.getText("k"), late.get("l"), late.size], ["1", undefined, 0]);
  late.put("l", { is: "later" });
  same("declared again", late.get("l"), { is: "later" });
  await checkpoints.close();

  // In another storage, the same names have other ids.
  checkpoints = await open({ a: {}, b: {}, first: {} });
  const [a, moved] = [checkpoints.namespace("a"), checkpoints.namespace("first")];
  a.put("k", "of a");
  moved.put("k", "of first");
  await checkpoints.checkpoint();
  await checkpoints.importCheckpoint(archive);
  same("imported", [moved.getText("k"), a.getText("k")], ["1", undefined]);
  await checkpoints.close();
}
