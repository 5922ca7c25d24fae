// What ends the watching, and what callbacks do.

import { memory, refused, same } from "./common.mjs";
import { texts, told, watched } from "./watched.mjs";

/** If another writer takes over, what was changed before is told, and the iterator throws. */
export async function fencing({ Checkpoints }) {
  const storage = memory();
  const [stale, fresh] = [await Checkpoints.open({ name: "fencing", storage }), await Checkpoints.open({ name: "fencing", storage })];
  const changes = stale.changes();
  fresh.put("who", "fresh");
  await fresh.checkpoint();
  stale.put("who", "stale");
  const failing = stale.checkpoint();
  stale.put("who", "later");
  await refused("the checkpoint", () => failing, /^fenced: /);
  same("before", [texts((await changes.next()).value), (await changes.next().catch((error) => error.kind))], [["who=later"], "fenced"]);
  same("only once", (await changes.next()).done, true);
  await refused("and then", () => stale.changes(), /^fenced: /);
  await stale.close();
  await fresh.close();
}

/** What a callback throws, changes, watches or ends disturbs no other one. */
export async function disturbing({ Checkpoints }, { onUncaught }) {
  const checkpoints = await Checkpoints.open({ name: "disturbing", storage: "memory" });
  const uncaught = [];
  const stopListening = onUncaught((error) => uncaught.push(error.message));
  let inner;
  const order = [];
  checkpoints.subscribe("a", ({ changes }) => {
    // A change in a callback is told after this one, to all.
    if (changes[0].value.length === 1) checkpoints.put("a", "22");
    inner ??= checkpoints.subscribe("a", ({ changes }) => order.push(`inner ${changes[0].value.length}`));
    throw new Error("thrown on purpose");
  });
  const stop = checkpoints.subscribe("a", () => order.push("never"));
  checkpoints.subscribe("b", () => stop());
  const after = watched(checkpoints, "a");
  checkpoints.put("a", "1");
  stop();
  await told();
  same("others are told", after.texts(), ["a=1", "a=22"]);
  // It watches since the second change, and no change before it is told.
  same("what is watched in a callback", order, []);
  checkpoints.put("a", "333");
  await told();
  same("and what follows", [order, after.texts()], [["inner 3"], ["a=333"]]);
  same("uncaught errors", uncaught, Array(3).fill("thrown on purpose"));
  same("the engine works", [checkpoints.getText("a"), (await checkpoints.checkpoint()).keyCount], ["333", 1]);
  stopListening();
  await checkpoints.close();
}
