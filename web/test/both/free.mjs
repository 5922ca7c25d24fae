// What may be done while checkpoints are deleted, and while one with an opaque state is written.

import { memory, same } from "./common.mjs";

/** A storage that lets one call through at a time. `steps` says how many there were. */
function stepping() {
  const storage = memory();
  let isStepping = false;
  const waiting = [];
  const stepped = (call) => async (...given) => {
    if (isStepping) await new Promise((resolve) => waiting.push(resolve));
    return call(...given);
  };
  const { list, read, readRange, create } = storage;
  return {
    files: storage.files,
    list: stepped(list),
    read: stepped(read),
    readRange: stepped(readRange),
    create: stepped(create),
    delete: stepped(storage.delete),
    hold: () => (isStepping = true),
    letGo: () => ((isStepping = false), waiting.splice(0).forEach((go) => go())),
    step: () => waiting.shift()?.(),
  };
}

/** Opens four checkpoints in which each changed every key. */
async function four({ Checkpoints }) {
  const storage = stepping();
  const open = () => Checkpoints.open({ name: "free", storage, maxRetained: 9, namespaces: { days: { kind: "ordered", bytes: 3 } } });
  const checkpoints = await open();
  for (let round = 0; round < 4; round++) {
    for (let key = 0; key < 50; key++) checkpoints.put(`key-${key}`, `${round}`.repeat(2000));
    await checkpoints.checkpoint();
  }
  // What is written next comes after the maintenance of the last one.
  await checkpoints.list();
  return { storage, open, checkpoints };
}

/** Every call of the state works at each step of a deletion, and what it changed is in the next checkpoint. */
export async function deleting(alluvium) {
  const deletions = {
    cleanup: [(checkpoints) => checkpoints.cleanup(1), [4]],
    "deletion of the oldest": [(checkpoints) => checkpoints.deleteCheckpoint(1), [4, 3, 2]],
    "deletion of the newest": [(checkpoints) => checkpoints.deleteCheckpoint(4), [3, 2, 1]],
    collection: [(checkpoints) => checkpoints.collectGarbage(), [4, 3, 2, 1]],
  };
  for (const [what, [begin, left]] of Object.entries(deletions)) {
    const { storage, open, checkpoints } = await four(alluvium);
    const days = checkpoints.namespace("days");
    storage.hold();
    let isOver = false;
    const done = begin(checkpoints).finally(() => (isOver = true));
    let steps = 0;
    for (; !isOver; steps++) {
      checkpoints.put("step", String(steps));
      days.put(`day-${steps}`, String(steps));
      checkpoints.setPosition("in", BigInt(steps));
      same(`${what}: reads`, [checkpoints.getText("step"), checkpoints.has("key-1"), [...days.scan()].length, checkpoints.isChanged], [String(steps), true, steps + 1, true]);
      storage.step();
      for (let turn = 0; turn < 50 && !isOver; turn++) await null;
    }
    const { errors } = await done;
    storage.letGo();
    if (steps < 2) throw new Error(`${what} has ${steps} steps`);
    same(`${what}: its errors`, errors, []);
    same(`${what}: what is left`, (await checkpoints.list()).filter(({ metadata }) => metadata).map(({ id }) => Number(id)), left);
    await checkpoints.sync();
    await checkpoints.checkpoint({ ifChanged: true });
    await checkpoints.close();
    const again = await open();
    same(`${what}: after it`, [again.getText("step"), again.size, again.position("in")], [String(steps - 1), 51, BigInt(steps - 1)]);
    same(`${what}: damage`, (await again.verify()).findings.filter(({ severity }) => severity !== "leftover"), []);
    await again.close();
  }
}

/** After a deletion of the newest checkpoint, the next one is not superfluous, whenever it is asked for. */
export async function deletedNewest(alluvium) {
  const { open, checkpoints } = await four(alluvium);
  const deleted = checkpoints.deleteCheckpoint(4);
  const during = checkpoints.checkpoint({ ifChanged: true });
  await deleted;
  const after = await checkpoints.checkpoint({ ifChanged: true });
  same("ids", [(await during).id, after.id > 4n], [(await during).id, true]);
  await checkpoints.close();
  const again = await open();
  same("the state", [again.latestCheckpointId >= 5n, again.getText("key-1")?.length], [true, 2000]);
  await again.close();
}

/** A checkpoint with a state is one among others: each has the state of its call, and they are written in order. */
export async function withState({ Checkpoints }) {
  const storage = stepping();
  const open = (more) => Checkpoints.open({ name: "with-state", storage, maxInFlight: 2, ...more });
  const checkpoints = await open();
  const events = [];
  for (const event of ["begin", "checkpoint"]) checkpoints.on(event, () => events.push(event));
  storage.hold();
  const taken = [];
  for (let number = 0; number < 6; number++) {
    checkpoints.put("at", String(number));
    checkpoints.setSourceOffset("in", number);
    const state = Uint8Array.of(number);
    taken.push(number % 2 ? checkpoints.checkpoint({ walPosition: number }) : checkpoints.checkpointWithState(state, { walPosition: number, watermark: number }));
    // It was copied.
    state[0] = 99;
  }
  checkpoints.put("at", "later");
  storage.letGo();
  const written = await Promise.all(taken);
  same("ids", written.map(({ id }) => Number(id)), [1, 2, 3, 4, 5, 6]);
  same("positions", written.map(({ walPosition, sourceOffsets }) => [Number(walPosition), Number(sourceOffsets.get("in"))]), [0, 1, 2, 3, 4, 5].map((number) => [number, number]));
  same("statistics", written.every(({ statistics }) => statistics.bytesWritten > 0), true);
  same("the last state", [...(await checkpoints.loadState(written[4].id))], [4]);
  same("events", [events.filter((event) => event === "begin").length, events.filter((event) => event === "checkpoint").length], [6, 6]);
  same("the state goes on", [checkpoints.getText("at"), checkpoints.watermark], ["later", 4n]);
  await checkpoints.close();
  const fifth = await open({ checkpoint: written[4].id });
  same("the fifth", fifth.getText("at"), "4");
  await fifth.close();
}

/** A restore waits for checkpoints that were frozen before its turn, and those that can wait come after it. */
export async function beside({ Checkpoints }) {
  const storage = stepping();
  const checkpoints = await Checkpoints.open({ name: "beside", storage, maxInFlight: 2, maxRetained: 100 });
  checkpoints.put("at", "0");
  const { id } = await checkpoints.checkpoint();
  const exported = await checkpoints.exportCheckpoint();
  for (const [what, replace] of [["restore", () => checkpoints.restore(id)], ["import", () => checkpoints.importCheckpoint(exported)]]) {
    checkpoints.put("at", "1");
    storage.hold();
    const first = checkpoints.checkpoint();
    const replacing = replace();
    // These cannot wait, because of what they are given.
    checkpoints.put("at", "2");
    const given = [checkpoints.checkpoint({ walPosition: checkpoints.walPosition }), checkpoints.checkpointWithState(Uint8Array.of(1))];
    const later = Array.from({ length: 5 }, () => checkpoints.checkpoint());
    const joined = checkpoints.checkpoint({ whenBusy: "join" });
    storage.letGo();
    const [one, other] = [await first, await replacing];
    const frozen = await Promise.all(given);
    const after = await Promise.all([...later, joined]);
    const ids = [one, ...frozen, other].map(({ id }) => Number(id));
    same(`${what}: in order`, ids, ids.map((_, at) => ids[0] + at));
    same(`${what}: after it`, after.every((written) => written.id > other.id), true);
    same(`${what}: the state`, checkpoints.getText("at"), "0");
    const begun = await Checkpoints.open({ name: "beside", storage, readOnly: true, checkpoint: frozen[1].id });
    same(`${what}: the state that was frozen`, begun.getText("at"), "2");
    await begun.close();
  }
  await checkpoints.close();
}

/** A restore comes to its end while checkpoints are taken without a pause. */
export async function endless({ Checkpoints }) {
  const checkpoints = await Checkpoints.open({ name: "endless", storage: memory(), maxInFlight: 1 });
  checkpoints.put("at", "0");
  const { id } = await checkpoints.checkpoint();
  let isOver = false;
  const taking = (async () => {
    for (let at = 1; !isOver; at++) await checkpoints.checkpoint();
  })();
  const failing = checkpoints.restore(10n ** 6n).catch(({ kind }) => kind);
  same("one that fails", await failing, "not-found");
  await checkpoints.restore(id);
  isOver = true;
  await taking;
  await checkpoints.close();
}
