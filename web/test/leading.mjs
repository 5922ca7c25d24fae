// Runs in pages and workers of the tests: the work of a leader, and readers that check every notice.

import { BatchWriter, Checkpoints } from "/testing/index.js";
import { connect, lead } from "/testing/client/index.js";

const text = (value) => value && new TextDecoder().decode(value);

/** The entries of so many rounds are kept. */
const KEPT = 500;
const keyOf = (round) => `k${round % KEPT}`;
/** An entry has the number of its round, and who wrote it. */
const roundOf = (entry) => Number(text(entry).split("/")[0]);

/**
 * Applies one round after another: its number, and one entry that has the number, too. Every fifth round is made durable
 * and acknowledged.
 */
export async function work(checkpoints, signal, run) {
  let round = Number(checkpoints.sourceOffset("rounds"));
  const writer = Math.random();
  const next = () => {
    round++;
    const entry = `${round}/${writer}`;
    checkpoints.apply(new BatchWriter().put("round", String(round)).put(keyOf(round), entry));
    checkpoints.setSourceOffset("rounds", round);
    return { round, entry };
  };
  while (!signal.aborted) {
    next();
    if (round % 5 !== 0) {
      await new Promise((resolve) => setTimeout(resolve));
      continue;
    }
    await checkpoints.checkpoint();
    await fetch(`/acknowledged/${run}`, { method: "POST", body: String(round) });
  }
  // What is done last is durable only by the checkpoint that a leader takes at its end.
  globalThis.lastOfWork = next();
}

export const open = (name) => Checkpoints.open({ name, whenTaken: "wait", maxRetained: 2 });

/** Takes part in leading. The leader does the work. */
export function join(name) {
  const leading = lead({ name, open: () => open(name), onLead: (checkpoints, signal) => work(checkpoints, signal, name) });
  return { leading, ...watch(leading.client) };
}

/** Reads through a client, and notes everything that should not be. */
export function watch(client) {
  const seen = { notices: 0, generations: [], problems: [] };
  let [last, round] = [undefined, undefined];
  const wrong = (what) => seen.problems.length < 10 && seen.problems.push(what);
  client.subscribe({}, ({ generation, sequence, since, isReset, changes }) => {
    if (isReset) {
      round = undefined;
      if (generation === seen.generations.at(-1)) wrong(`a reset at ${sequence} within one generation`);
    } else if (last !== undefined && since !== last) wrong(`${sequence} follows ${since}, and ${last} was seen`);
    if (generation !== seen.generations.at(-1)) {
      seen.generations.push(generation);
      seen.notices = 0;
    }
    last = sequence;
    if (isReset) return;
    const told = Object.fromEntries(changes.map(({ key, value }) => [text(key), value]));
    const now = Number(text(told.round));
    if (round !== undefined && now !== round + 1) wrong(`round ${now} after round ${round}`);
    const entry = told[keyOf(now)];
    if (entry === undefined || roundOf(entry) !== now || changes.length !== 2) wrong(`round ${now} is not whole: ${Object.keys(told)}`);
    round = now;
    seen.notices++;
  });
  const live = client.live({ prefix: "k" });
  live.subscribe((entries) => {
    const rounds = entries.map(([, value]) => roundOf(value));
    // A snapshot has rounds without a hole, whatever moment it is from.
    const [least, most] = [Math.min(...rounds), Math.max(...rounds)];
    if (most - least + 1 !== entries.length && entries.length > 0) wrong(`a live range from ${least} to ${most} with ${entries.length} entries`);
  });
  const read = async (key) => text(await client.get(key));
  return { client, seen, entryOf: (round) => read(keyOf(round)), round: async () => Number(await read("round")) };
}

/** Connects to the SharedWorker of a name, and to its next one if it is killed. */
export const shared = (name) => watch(connect(() => new SharedWorker("/test/shared-worker.mjs", { type: "module", name }).port));
