// Checkpoints under way, syncs, readers beside a writer, versions of the state, and codecs.

import { memory, refused, same } from "./common.mjs";

/** A storage whose creations wait until they are let go. */
function slow() {
  const directory = memory();
  const { create } = directory;
  let gate = Promise.resolve();
  let open = () => {};
  return {
    ...directory,
    hold: () => void (gate = new Promise((resolve) => (open = resolve))),
    letGo: () => open(),
    create: async (paths, contents) => (await gate, create(paths, contents)),
  };
}

/** By default, and with "join", calls that come while checkpoints are under way are never refused. */
export async function busy({ Checkpoints }) {
  const storage = slow();
  const open = (options) => Checkpoints.open({ name: "busy", storage, maxInFlight: 2, maxRetained: 100, ...options });
  let checkpoints = await open();
  const step = (number) => (checkpoints.put("at", String(number)), checkpoints.setSourceOffset("in", number));
  const many = (count, options) => Array.from({ length: count }, (_, at) => (step(Number(checkpoints.sourceOffset("in")) + 1), checkpoints.checkpoint(options?.(at))));
  const offsets = (written) => written.map(({ sourceOffsets }) => Number(sourceOffsets.get("in")));
  step(1);
  await checkpoints.checkpoint();

  storage.hold();
  const queued = many(20);
  let settled = 0;
  queued.forEach((one) => one.then(() => settled++));
  storage.letGo();
  const all = await Promise.all(queued);
  same("each is a checkpoint", new Set(all.map(({ id }) => id)).size, 20);
  // The first two are frozen at once, and each of the others has at least what there was when it was asked for.
  const found = offsets(all);
  same("frozen at once", found.slice(0, 2), [2, 3]);
  if (found.some((offset, at) => offset < at + 2) || found.at(-1) !== 21) throw new Error(`offsets ${found}`);

  storage.hold();
  const joined = many(20, () => ({ whenBusy: "join" }));
  storage.letGo();
  const together = await Promise.all(joined);
  same("two checkpoints for all", new Set(together.map(({ id }) => id)).size, 2);
  same("the second has everything", offsets(together).slice(1), Array(19).fill(41));

  storage.hold();
  const last = checkpoints.latestCheckpointId;
  const positions = many(5, (at) => ({ walPosition: 100 + at }));
  storage.letGo();
  const placed = await Promise.all(positions);
  // A position that was given belongs to the state of its moment, so none of these waited.
  same("positions", placed.map(({ walPosition, sourceOffsets }) => Number(walPosition) - Number(sourceOffsets.get("in"))), Array(5).fill(58));
  same("five more", placed.at(-1).id, last + 5n);

  storage.hold();
  let asked = 0;
  const late = many(4, () => ({ walPosition: () => 200 + ++asked }));
  same("asked when frozen", asked, 2);
  storage.letGo();
  same("a position that is asked for", (await Promise.all(late)).map(({ walPosition }) => Number(walPosition)), [201, 202, 203, 204]);

  storage.hold();
  const failing = many(3, () => ({ whenBusy: "fail" }));
  storage.letGo();
  same("refused if asked to", (await Promise.allSettled(failing)).map(({ reason }) => reason?.kind), [undefined, undefined, "backpressure"]);

  // What waits when the checkpoints are closed is written all the same.
  storage.hold();
  const unfinished = [...many(5), ...many(3, () => ({ whenBusy: "join" }))];
  const closing = checkpoints.close();
  storage.letGo();
  const done = await Promise.all(unfinished);
  await closing;
  await refused("after close", () => checkpoints.checkpoint(), /^closed: /);
  checkpoints = await open({ whenBusy: "join" });
  same("closed", [Number(checkpoints.sourceOffset("in")), checkpoints.recovered.checkpointId], [offsets(done).at(-1), done.at(-1).id]);

  // A failure reaches all calls, those too that waited.
  storage.hold();
  const { create } = storage;
  storage.create = () => create([], []).then(() => Promise.reject(Object.assign(new Error("full"), { kind: "no-space" })));
  const doomed = many(4);
  storage.letGo();
  const kinds = (await Promise.allSettled(doomed)).map(({ reason }) => reason?.kind);
  same("failed", [kinds[0], kinds.slice(1).every((kind) => ["no-space", "reopen"].includes(kind))], ["no-space", true]);
  await checkpoints.close();
}

/** A checkpoint of nothing writes little, and with `ifChanged` nothing. */
export async function unchanged({ BatchWriter, Checkpoints }) {
  const storage = memory();
  const open = () => Checkpoints.open({ name: "unchanged", storage, maxRetained: 100 });
  let checkpoints = await open();
  const maintained = async (options) => {
    const done = new Promise((resolve) => {
      const off = checkpoints.on("maintenance", () => (off(), resolve()));
    });
    const written = await checkpoints.checkpoint(options);
    await done;
    return written;
  };
  const bytes = () => [...storage.files.values()].reduce((sum, { length }) => sum + length, 0);
  const batch = new BatchWriter();
  for (let round = 0; round < 40; round++) {
    for (let at = 0; at < 500; at++) batch.put(`key-${(round * 331 + at * 17) % 20_000}`, "x".repeat(60));
    checkpoints.apply(batch);
    await maintained();
  }
  // The first one may write a list of the files, which the next ones name.
  await maintained();
  const before = bytes();
  for (let round = 0; round < 5; round++) await maintained();
  const each = (bytes() - before) / 5;
  if (each > 2048) throw new Error(`a checkpoint of no changes wrote ${each} bytes`);

  const newest = await maintained();
  // The first sync after a checkpoint writes where the stream is, and that is no change of the state.
  await checkpoints.sync();
  const [files, size] = [storage.files.size, bytes()];
  same("nothing changed", checkpoints.isChanged, false);
  for (let round = 0; round < 3; round++) {
    const written = await checkpoints.checkpoint({ ifChanged: true });
    same("the newest", [written.id, written.statistics.bytesWritten, written.stateDigest], [newest.id, 0, newest.stateDigest]);
  }
  same("nothing written", [storage.files.size, bytes()], [files, size]);
  checkpoints.setSourceOffset("in", 1);
  same("an offset is a change", [checkpoints.isChanged, (await maintained({ ifChanged: true })).id], [true, newest.id + 1n]);
  // The call resolves only when what is under way is durable.
  checkpoints.put("a", "1");
  const flight = checkpoints.checkpoint();
  same("the one under way", (await checkpoints.checkpoint({ ifChanged: true })).id, (await flight).id);
  await checkpoints.close();
  checkpoints = await open();
  same("opened", [checkpoints.isChanged, (await checkpoints.checkpoint({ ifChanged: true })).id], [false, newest.id + 2n]);
  await checkpoints.deleteCheckpoint(newest.id + 2n);
  same("the newest is gone", (await checkpoints.checkpoint({ ifChanged: true })).id > newest.id + 2n, true);
  await checkpoints.close();
  return `${each} bytes`;
}

/** What was synced is replayed on top of the checkpoint before it. */
export async function syncs({ Checkpoints, int64 }) {
  const storage = slow();
  const open = () => Checkpoints.open({ name: "syncs", storage, namespaces: { totals: { merge: "add" } } });
  let checkpoints = await open();
  checkpoints.put("a", "1");
  await checkpoints.sync();
  same("a checkpoint at first", [checkpoints.latestCheckpointId, checkpoints.walBytes], [1n, 0]);
  checkpoints.put("a", "2");
  checkpoints.namespace("totals", int64).count("n", 3);
  checkpoints.setSourceOffset("in", 7);
  await checkpoints.sync({ walPosition: () => 70 });
  await checkpoints.sync();
  const written = checkpoints.walBytes;
  await checkpoints.sync();
  same("nothing more to write", checkpoints.walBytes, written);
  const bytes = checkpoints.walBytes;
  if (!(bytes > 0 && bytes < 2000)) throw new Error(`${bytes} bytes of log`);
  checkpoints.put("a", "3");
  // It is not closed: the last change is lost, as in a crash.
  let again = await open();
  same("replayed", [again.getText("a"), again.namespace("totals", int64).get("n"), again.sourceOffset("in"), again.walPosition, again.recovered.walEntries, again.isChanged], ["2", 3n, 7n, 70n, 2, true]);
  // While checkpoints are under way, a sync waits, and everything up to its call is durable then.
  storage.hold();
  again.put("b", "1");
  const first = again.checkpoint();
  again.put("b", "2");
  const syncing = again.sync();
  again.put("c", "1");
  const second = again.checkpoint();
  storage.letGo();
  await syncing;
  const crashed = await Checkpoints.open({ name: "syncs", storage, readOnly: true });
  same("durable", crashed.getText("b"), "2");
  await Promise.all([first, second]);
  await crashed.close();
  await again.close();
  await checkpoints.close();
}

/** A reader beside a writer sees the newest checkpoint, changes nothing, and reads again when it is asked to. */
export async function reading({ AlluviumError, Checkpoints, json, text }) {
  const storage = memory();
  const options = { name: "reading", storage, namespaces: { log: { kind: "ordered", bytes: 2 }, ends: { kind: "timers" } } };
  await refused("nothing to read", () => Checkpoints.open({ ...options, readOnly: true }), /^not-found: /);
  const writer = await Checkpoints.open({ ...options, codec: json(), maxRetained: 1 });
  writer.put("a", { is: 1 });
  writer.namespace("log", text).put("aa", "1");
  writer.timers("ends").set(5, "t");
  await writer.checkpoint();
  const reader = await Checkpoints.open({ ...options, codec: json(), readOnly: true });
  const log = reader.namespace("log", text);
  const seen = () => [reader.get("a"), [...log.scanText()], reader.timers("ends").size, Number(reader.sourceOffset("in"))];
  same("read", [reader.isReadOnly, ...seen()], [true, { is: 1 }, [["aa", "1"]], 1, 0]);
  const files = JSON.stringify([...storage.files.keys()]);
  const changes = {
    put: () => reader.put("a", {}),
    delete: () => reader.delete("a"),
    update: () => reader.update("a", () => ({})),
    count: () => log.count("aa"),
    range: () => log.deleteRange({}),
    timer: () => reader.timers("ends").set(1, "x"),
    take: () => reader.timers("ends").take({ upTo: 9 }),
    offset: () => reader.setSourceOffset("in", 1),
    position: () => reader.setPosition("in", 1n),
    watermark: () => reader.setWatermark(1),
    epoch: () => (reader.epoch = 1),
    annotation: () => reader.setAnnotation("a", "b"),
    checkpoint: () => reader.checkpoint(),
    sync: () => reader.sync(),
    restore: () => reader.restore(1),
    cleanup: () => reader.cleanup(1),
    garbage: () => reader.collectGarbage(),
    remove: () => reader.deleteCheckpoint(1),
    state: () => reader.checkpointWithState(new Uint8Array(1)),
  };
  for (const [name, change] of Object.entries(changes)) await refused(name, change, /^invalid-input: these checkpoints are open for reading only/);
  same("nothing changed", [JSON.stringify([...storage.files.keys()]), ...seen()], [files, { is: 1 }, [["aa", "1"]], 1, 0]);
  for (let round = 2; round < 6; round++) {
    writer.put("a", { is: round });
    writer.namespace("log", text).put(`b${round}`, "x");
    writer.setSourceOffset("in", round);
    await writer.checkpoint();
    await writer.collectGarbage();
    same("as it was", reader.get("a"), { is: round - 1 });
    const found = await reader.refresh();
    same("refreshed", [found.checkpointId, reader.get("a"), log.size, Number(reader.sourceOffset("in"))], [writer.latestCheckpointId, { is: round }, round, round]);
  }
  same("a reader verifies", (await reader.verify()).isDamaged, false);
  await refused("a writer has nothing to refresh", () => writer.refresh(), /^invalid-input: only checkpoints that are open for reading only/);
  // A backup keeps the file that marks it.
  const mark = `backup-${"0".repeat(31)}1`;
  storage.files.set(mark, new Uint8Array());
  await (await Checkpoints.open({ ...options, readOnly: true })).close();
  same("left as it is", storage.files.has(mark), true);
  await reader.close();
  await writer.close();
  return AlluviumError.name;
}

/** A state of an older version is migrated before it is opened, or not opened at all. */
export async function versions({ Checkpoints, json }) {
  const storage = memory();
  const open = (schemaVersion, migrate, more) => Checkpoints.open({ name: "versions", storage, codec: json(), schemaVersion, migrate, ...more });
  let checkpoints = await Checkpoints.open({ name: "versions", storage, codec: json() });
  for (const name of ["anna", "bert"]) checkpoints.put(name, `${name} of version 0`);
  await checkpoints.checkpoint();
  await checkpoints.close();
  await refused("no migration", () => open(2), /^invalid-input: the state of versions has schema version 0, and this code has 2: give open a function migrate/);
  await refused("a reader cannot migrate", () => open(2, () => {}, { readOnly: true }), /a writer has to migrate it first/);
  const files = [...storage.files.keys()].join();
  await refused("a migration that fails", () => open(2, (old) => {
    old.put("anna", { half: true });
    throw Object.assign(new Error("half-way"), { kind: "own" });
  }), /^own: half-way/);
  same("wrote nothing", [...storage.files.keys()].join(), files);
  const saving = {
    checkpoint: (old) => old.checkpoint(),
    "checkpoint that joins": (old) => old.checkpoint({ whenBusy: "join", ifChanged: true }),
    checkpointWithState: (old) => old.checkpointWithState(new Uint8Array(1)),
    sync: (old) => old.sync(),
    restore: (old) => old.restore(1n),
    importCheckpoint: async (old) => old.importCheckpoint(await old.exportCheckpoint()),
  };
  for (const [what, save] of Object.entries(saving)) {
    await refused(`a migration with ${what}`, () => open(2, (old) => (old.put("anna", { half: true }), save(old))), new RegExp(`^invalid-input: ${what.split(" ")[0]}: the state of versions is being migrated`));
    same(`${what} wrote nothing`, [...storage.files.keys()].join(), files);
  }
  checkpoints = await open(2, async (old, from) => {
    for (const [key, value] of old.entries()) old.put(key, { from, value });
    same("it may read the storage", (await old.list()).length, 1);
  });
  same("migrated", [checkpoints.get("anna"), checkpoints.annotation("schema-version"), checkpoints.isChanged], [{ from: 0, value: "anna of version 0" }, "2", false]);
  await checkpoints.close();
  checkpoints = await open(2, () => Promise.reject(new Error("must not run")));
  same("once", checkpoints.get("bert"), { from: 0, value: "bert of version 0" });
  await checkpoints.close();
  // A writer migrates at any moment of a refresh. The state of before stays, and can be read.
  const beside = { before: undefined, ...storage, list: async () => (await beside.before?.(), storage.list()) };
  for (let [listing, version] = [1, 2], isOver = false; !isOver; listing++, version++) {
    const reader = await open(version, undefined, { storage: beside, readOnly: true });
    let listings = 0;
    beside.before = async () => {
      if (++listings !== listing) return;
      await (await open(version + 1, (old) => old.put("anna", { version: version + 1 }))).close();
    };
    const outcome = await reader.refresh().then(({ checkpointId }) => checkpointId, ({ message }) => message);
    beside.before = undefined;
    isOver = listings < listing;
    if (!isOver && !/has schema version \d+, and this code has \d+: open it with newer code/.test(outcome)) same("what was refreshed", outcome, reader.latestCheckpointId);
    same("the state of before", [reader.annotation("schema-version"), reader.get("anna") !== undefined], [String(version), true]);
    await reader.close();
    if (isOver) await (await open(version + 1, (old) => old.put("anna", { version: version + 1 }))).close();
  }
  await refused("older code", () => open(1), /has schema version \d+, and this code has 1: open it with newer code/);
  await refused("no version", () => open(1.5), /^invalid-input: schemaVersion: 1.5/);
  const fresh = await Checkpoints.open({ name: "fresh", storage: "memory", schemaVersion: 7, migrate: () => Promise.reject(new Error("must not run")) });
  same("fresh", fresh.annotation("schema-version"), "7");
  await fresh.close();
}

/** A state of another version that is restored or imported is migrated as by an open, or refused before it is the state. */
export async function olderStates({ Checkpoints, json }) {
  const storage = memory();
  const open = (schemaVersion, migrate, more) => Checkpoints.open({ name: "older", storage, codec: json(), maxRetained: 20, schemaVersion, migrate, ...more });
  const migrate = async (old, from) => {
    for (const [key, value] of old.entries()) old.put(key, [...value, from]);
    await old.list();
  };
  let checkpoints = await open();
  checkpoints.put("a", []);
  const first = await checkpoints.checkpoint();
  const archives = [await checkpoints.exportCheckpoint()];
  await checkpoints.close();
  checkpoints = await open(1, migrate);
  checkpoints.put("b", ["new"]);
  const second = await checkpoints.checkpoint();
  archives.push(await checkpoints.exportCheckpoint());
  const reader = await open(1, undefined, { readOnly: true });
  const state = (of = checkpoints) => [of.get("a"), of.get("b"), of.annotation("schema-version")];
  // What is older is migrated once, and what is not is left as it is.
  const back = [() => checkpoints.restore(first.id), () => checkpoints.importCheckpoint(archives[0])];
  for (const restore of back) {
    const restored = await restore();
    same("migrated", [...state(), restored.id, restored.annotations.get("schema-version"), checkpoints.isChanged], [[0], undefined, "1", checkpoints.latestCheckpointId, "1", false]);
    for (const again of [() => checkpoints.restore(second.id), () => checkpoints.importCheckpoint(archives[1])]) {
      await again();
      same("of this version", state(), [[0], ["new"], "1"]);
    }
  }
  await checkpoints.restore(first.id);
  await checkpoints.close();
  checkpoints = await open(1, () => Promise.reject(new Error("must not run")));
  same("opened again", state(), [[0], undefined, "1"]);
  await checkpoints.close();

  // Without a migration, or in a newer version, it does not become the state.
  for (const schemaVersion of [1, 2]) {
    await (await open(schemaVersion, migrate)).close();
    checkpoints = await open(schemaVersion);
    const why = `^invalid-input: .*has schema version 0, and this code has ${schemaVersion}: give open a function migrate`;
    checkpoints.put("b", ["not durable"]);
    const [before, newest] = [state(), checkpoints.latestCheckpointId];
    await refused("restored", () => checkpoints.restore(first.id), new RegExp(why));
    await refused("imported", () => checkpoints.importCheckpoint(archives[0]), new RegExp(why));
    same("the state of before", [state(), checkpoints.latestCheckpointId], [before, newest]);
    archives[schemaVersion + 1] = await checkpoints.checkpoint().then(() => checkpoints.exportCheckpoint());
    await checkpoints.close();
  }
  const newer = await Checkpoints.open({ name: "newer", storage: "memory", codec: json(), schemaVersion: 1, migrate });
  newer.put("b", ["kept"]);
  await refused("a newer one", () => newer.importCheckpoint(archives[3]), /^invalid-input: .*has schema version 2, and this code has 1: open it with newer code/);
  await refused("what is no archive", () => newer.importCheckpoint(new Uint8Array(2048).fill(65)), /^(corruption|invalid-input): /);
  same("the state of before", newer.get("b"), ["kept"]);
  await newer.close();

  // A reader has its own version only.
  same("the reader", state(reader), [[0], ["new"], "1"]);
  await refused("refreshed", () => reader.refresh(), /^invalid-input: .*has schema version 2, and this code has 1: open it with newer code/);
  same("the reader still", state(reader), [[0], ["new"], "1"]);
  await reader.close();
}

/** While a restored state is migrated, nothing of it becomes durable, and a migration that fails closes it. */
export async function failedMigrations({ Checkpoints, json }) {
  const storage = memory();
  const open = (schemaVersion, migrate) => Checkpoints.open({ name: "failed", storage, codec: json(), maxRetained: 20, schemaVersion, migrate });
  let checkpoints = await open();
  checkpoints.put("a", "old");
  const { id } = await checkpoints.checkpoint();
  await checkpoints.close();
  let isFailing = false;
  const meanwhile = [];
  const migrate = async (old) => {
    old.put("a", "half");
    await old.list();
    if (isFailing) throw Object.assign(new Error("half-way"), { kind: "own" });
    old.put("a", "new");
  };
  checkpoints = await open(1, migrate);
  const noted = (call) => meanwhile.push(call().then(() => "done", ({ kind }) => kind));
  checkpoints.subscribe({}, () => [() => checkpoints.checkpoint(), () => checkpoints.sync(), () => checkpoints.restore(id)].forEach(noted));
  const both = [checkpoints.restore(id), checkpoints.restore(id)];
  same("one after the other", [(await both[0]).annotations.get("schema-version"), await both[1].catch(({ kind }) => kind)], ["1", "invalid-input"]);
  same("during the migration", (await Promise.all(meanwhile.slice(0, 3))).join(), "invalid-input,invalid-input,invalid-input");
  isFailing = true;
  await refused("a migration that fails", () => checkpoints.restore(id), /^own: half-way/);
  await refused("and then", () => checkpoints.get("a"), /^closed: /);
  checkpoints = await open();
  same("what is stored is whole", [checkpoints.get("a"), checkpoints.annotation("schema-version")], ["old", undefined]);
  await checkpoints.close();
}

/** Codecs write and read values, and metadata has a JSON form that keeps every digit. */
export async function codecs({ BatchWriter, Checkpoints, int64, json, raw, serialized, text }, { library }) {
  const checkpoints = await Checkpoints.open({ name: "codecs", storage: "memory", codec: json(), namespaces: { numbers: {}, texts: {}, bytes: {}, rich: {}, log: { kind: "ordered", bytes: 1 } } });
  checkpoints.put("a", { total: 1, list: [1, "2", null] });
  same("json", [checkpoints.get("a"), checkpoints.getText("a")], [{ total: 1, list: [1, "2", null] }, '{"total":1,"list":[1,"2",null]}']);
  same("update", checkpoints.update("a", (order) => ({ ...order, total: order.total + 1 })).total, 2);
  same("update of nothing", [checkpoints.update("n", (order) => order ?? { total: 0 }), checkpoints.update("n", () => undefined), checkpoints.has("n")], [{ total: 0 }, undefined, false]);
  same("batch", [checkpoints.apply(new BatchWriter(json()).put("b", [1]).put("c", "ü")), checkpoints.getMany(["b", "c", "d"])], [2, [[1], "ü", undefined]]);
  same("entries", [...checkpoints.entries()].map(([, value]) => value), [{ total: 2, list: [1, "2", null] }, [1], "ü"]);
  await refused("undefined is no JSON", () => checkpoints.put("u", undefined), /^invalid-input: a value of type undefined cannot be written as JSON/);
  await refused("a bigint is no JSON", () => checkpoints.put("u", 1n), /^invalid-input: this value cannot be written as JSON: /);
  checkpoints.namespace("bytes", raw).put("x", "{");
  await refused("what is no JSON", () => checkpoints.namespace("bytes", json()).get("x"), /^invalid-input: these bytes are not valid JSON/);
  const numbers = checkpoints.namespace("numbers", int64);
  for (const number of [0, -1, 2 ** 53 - 1, -(2n ** 63n), 2n ** 63n - 1n]) numbers.put("n", number), same("int64", numbers.get("n"), BigInt(number));
  await refused("beyond 64 bits", () => numbers.put("n", 2n ** 63n), /^invalid-input: /);
  await refused("other bytes", () => (checkpoints.namespace("numbers").put("n", "x"), numbers.get("n")), /^invalid-input: an integer of 64 bits has 8 bytes, and this value has 1/);
  const texts = checkpoints.namespace("texts", text);
  texts.put("t", "ü€");
  same("text", texts.get("t"), "ü€");
  await refused("a text is a string", () => texts.put("t", 7), /^invalid-input: /);
  const log = checkpoints.namespace("log", int64);
  for (let at = 0; at < 5; at++) log.put(`k${at}`, at);
  same("scan", [...log.scanText({ reverse: true, limit: 2 })], [["k4", 4n], ["k3", 3n]]);
  if (library) {
    const rich = checkpoints.namespace("rich", serialized(library));
    const value = { map: new Map([[1, new Set([2n])]]), date: new Date(0), bytes: new Uint8Array([1, 2]) };
    value.self = value;
    rich.put("r", value);
    const found = rich.get("r");
    same("rich", [found.self === found, found.map.get(1).has(2n), found.date.getTime(), [...found.bytes]], [true, true, 0, [1, 2]]);
    checkpoints.namespace("rich", raw).put("r", "[");
    await refused("what the library cannot read", () => rich.get("r"), /^invalid-input: this value cannot be read by the library/);
  }
  checkpoints.setSourceOffset("in", 2n ** 64n - 1n);
  checkpoints.setWatermark(-(2n ** 63n));
  const written = await checkpoints.checkpoint();
  const plain = JSON.parse(JSON.stringify({ written, listed: await checkpoints.list() }));
  same("plain", [plain.written.sourceOffsets, plain.written.watermark, plain.written.statistics.id, plain.listed[0].metadata.id, plain.listed[0].id], [{ in: "18446744073709551615" }, "-9223372036854775808", "1", "1", "1"]);
  same("not a member", Object.keys(written).includes("toJSON"), false);
  await checkpoints.close();
}
