// Clients that lose messages, or the other side, or meet one of another version.

import { memory, randoms, refused, same } from "./common.mjs";
import { ends, read, until } from "./ports.mjs";

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
  const random = randoms(3);
  let lost = 0;
  // A third of the notices is lost, and now and then a beginning.
  const [one, other] = ends((message) => message.says !== "told" || random() > 0.33 || (lost++, false));
  serve(checkpoints, other);
  const client = connect(one, { timeoutMs: 20 });
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
  // If the last message was lost, the next change shows it. Its key is behind the others.
  let number = 0;
  await until("everything is there", () => (checkpoints.put("z", String(number++)), told.at(-1).startsWith(right)));
  // Each state that was seen is one that there was: both keys of a round come together.
  for (const state of told.slice(1)) {
    const round = /round=(\d+)/.exec(state)?.[1];
    if (round !== undefined && !state.includes(`k${round % 10}=${round}`)) throw new Error(`half of a round: ${state}`);
  }
  if (lost < 20 || seen.resets.length < 3) throw new Error(`only ${lost} messages were lost, and ${seen.resets.length} resets told`);
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
