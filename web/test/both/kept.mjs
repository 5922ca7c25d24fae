// What was called before an end is durable, in the order in which it was called.

import { memory, refused, same } from "./common.mjs";
import { ends } from "./ports.mjs";

/** A storage in memory whose writes take so many milliseconds. */
function slow(ms) {
  const storage = memory();
  const { create } = storage;
  return { ...storage, create: async (...given) => (await new Promise((resolve) => setTimeout(resolve, ms)), create(...given)) };
}

/** A position is a part of the state: it is a change, also where no key is one. */
export async function positions({ Checkpoints }, { client: { connect, serve } }) {
  const storage = memory();
  const open = (options) => Checkpoints.open({ name: "positions", storage, ...options });
  let checkpoints = await open();
  checkpoints.put("a", "1");
  await checkpoints.checkpoint();
  const [one, side] = ends();
  const served = serve(checkpoints, side);
  const client = connect(one, { timeoutMs: 5000 });
  const durable = async () => {
    const reader = await open({ readOnly: true });
    const found = [...reader.positions].map(([source, [[, position]]]) => `${source} ${position}`);
    await reader.close();
    return found;
  };
  checkpoints.setPosition("orders", 7n);
  same("a number is a change", checkpoints.isChanged, true);
  await checkpoints.checkpoint({ ifChanged: true });
  same("it is durable", await durable(), ["orders 7"]);
  checkpoints.setPosition("orders", "text");
  same("a text is a change", checkpoints.isChanged, true);
  await client.checkpoint();
  same("it is durable, by a client", await durable(), [`orders ${new TextEncoder().encode("text")}`]);
  client.close();
  served.stop();
  await checkpoints.close();
  const reader = await open({ readOnly: true });
  for (const position of [8n, "later"]) await refused("a reader", () => reader.setPosition("orders", position), /^invalid-input: these checkpoints are open for reading only/);
  await reader.close();
}

/** A sync before the end is written, and so is a checkpoint that waits for a restore. */
export async function closing({ Checkpoints }) {
  const storage = slow(5);
  const open = (options) => Checkpoints.open({ name: "closing", storage, ...options });
  for (const [round, what] of ["the first checkpoint", "a log", "a log after it"].entries()) {
    const checkpoints = await open({ whenBusy: "fail", maxInFlight: 1 });
    checkpoints.put("a", String(round));
    const synced = checkpoints.sync();
    await checkpoints.close();
    await synced;
    const again = await open();
    same(what, again.getText("a"), String(round));
    if (round > 0) await again.checkpoint();
    await again.close();
  }
  const checkpoints = await open();
  const oldest = (await checkpoints.list()).at(-1).id;
  checkpoints.put("a", "lost by the restore");
  const restored = checkpoints.restore(oldest);
  const taken = checkpoints.checkpoint();
  const closed = checkpoints.close();
  await restored;
  const { id } = await taken;
  await closed;
  await refused("after the end", () => checkpoints.getText("a"), /^closed: /);
  const again = await open();
  same("the checkpoint after the restore", [again.latestCheckpointId, again.getText("a")], [id, "0"]);
  await again.close();
}

/** A migration that closes the checkpoints does not wait for its own end. */
export async function closed({ Checkpoints }) {
  const storage = memory();
  const old = await Checkpoints.open({ name: "closed", storage });
  old.put("a", "1");
  const { id } = await old.checkpoint();
  await old.close();
  let migrations = 0;
  const migrate = (state) => (++migrations === 2 ? state.close() : undefined);
  const checkpoints = await Checkpoints.open({ name: "closed", storage, schemaVersion: 1, migrate });
  await refused("a migration that closes", () => checkpoints.restore(id), /^closed: /);
  await checkpoints.close();
  same("both migrations", migrations, 2);
}

/** An older checkpoint that is opened is not the newest, so the next one is written although nothing was changed. */
export async function older({ Checkpoints }) {
  const storage = memory();
  const open = (checkpoint) => Checkpoints.open({ name: "older", storage, checkpoint });
  let checkpoints = await open();
  for (const value of ["1", "2", "3"]) {
    checkpoints.put("a", value);
    await checkpoints.checkpoint();
  }
  await checkpoints.close();
  checkpoints = await open(3);
  same("the newest", [checkpoints.isChanged, (await checkpoints.checkpoint({ ifChanged: true })).id], [false, 3n]);
  await checkpoints.close();
  checkpoints = await open(1);
  same("an older one", [checkpoints.isChanged, (await checkpoints.checkpoint({ ifChanged: true })).id, checkpoints.isChanged], [true, 4n, false]);
  await checkpoints.close();
  checkpoints = await open();
  same("it is the newest then", checkpoints.getText("a"), "1");
  await checkpoints.close();
}

/** A checkpoint that is refused lets no other one begin before there is room for it. */
export async function room({ Checkpoints }) {
  for (const maxInFlight of [1, 2]) {
    const checkpoints = await Checkpoints.open({ name: "room", storage: slow(5), maxInFlight });
    await checkpoints.checkpoint({ walPosition: 5 });
    let most = 0;
    checkpoints.on("begin", ({ pending }) => (most = Math.max(most, pending)));
    const all = [1, 2, 3, 4, 5].map(() => checkpoints.checkpoint());
    for (let attempt = 0; attempt < 3; attempt++) await refused("a position that goes back", () => checkpoints.checkpoint({ walPosition: 1 }), /would go backwards/);
    await Promise.all(all);
    same("under way at once", most, maxInFlight);
    await checkpoints.close();
  }
}

/** Batches that could not be applied come back in their order, before what was added since. */
export async function batches({ Checkpoints, BatchWriter }, { client: { connect, serve } }) {
  const checkpoints = await Checkpoints.open({ name: "batches", storage: "memory" });
  const [one, side] = ends();
  const client = connect(one, { timeoutMs: 300 });
  const applied = (batch) => {
    const copy = checkpoints.apply(batch);
    return [copy, checkpoints.getText("k"), checkpoints.getText("long")];
  };
  const served = serve(checkpoints, side);
  await client.get("k");
  served.stop();
  const batch = new BatchWriter();
  const failing = [];
  for (const value of ["1", "2", "3"]) failing.push(client.apply(batch.put("k", value).put("long", value.repeat(3000))).catch(({ kind }) => kind));
  same("all fail", await Promise.all(failing), Array(3).fill("disconnected"));
  same("the newest value wins", applied(batch), [6, "3", "3".repeat(3000)]);
  // One comes back when what was sent before it is on its way again, and what was added since comes after it.
  const second = client.apply(batch.put("k", "4")).catch(({ kind }) => kind);
  const third = client.apply(batch.put("k", "5").delete("long")).catch(({ kind }) => kind);
  batch.put("k", "6");
  await Promise.all([second, third]);
  same("what was added since is last", applied(batch), [4, "6", undefined]);
  same("nothing is left", batch.size, 0);
  client.close();
  await checkpoints.close();
}

/** A clock that fails is an error of those who use it, and ends nobody else's state. */
export async function clocks({ Checkpoints }) {
  const other = await Checkpoints.open({ name: "other", storage: "memory" });
  other.put("a", "1");
  let time = () => 1;
  const clock = { unixMs: () => time(), monotonicUs: () => time() };
  const open = () => Checkpoints.open({ name: "clocks", storage: "memory", clock });
  const checkpoints = await open();
  const wrong = { "it throws": () => { throw new Error("no time"); }, "a bigint": () => 5n, "no number": () => NaN, nothing: () => {} };
  for (const [what, unixMs] of Object.entries(wrong)) {
    time = unixMs;
    for (const call of [() => checkpoints.checkpoint(), () => checkpoints.sync(), () => checkpoints.checkpointWithState(new Uint8Array(1)), () => checkpoints.shouldCheckpoint(), open]) {
      await refused(`${what}: ${call}`, call, /^invalid-input: option clock: its unixMs (failed: Error: no time|returned)/);
    }
    checkpoints.put("a", what);
    same("the state is there", [checkpoints.getText("a"), other.getText("a")], [what, "1"]);
  }
  time = () => 2;
  await checkpoints.checkpoint();
  await checkpoints.close();
  await other.close();
}
