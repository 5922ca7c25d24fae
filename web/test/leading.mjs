// Runs in pages and workers of the tests: the work of a leader, and readers that check every notice.

import { BatchWriter, Checkpoints } from "/testing/index.js";
import { connect, lead } from "/testing/client/index.js";

const text = (value) => value && new TextDecoder().decode(value);

/**
 * Applies one round after another: its number, and one entry that has the number, too. Every fifth round is made durable
 * and acknowledged.
 */
export async function work(checkpoints, signal, run) {
  let round = Number(checkpoints.sourceOffset("rounds"));
  while (!signal.aborted) {
    round++;
    checkpoints.apply(new BatchWriter().put("round", String(round)).put(`k${round % 50}`, String(round)));
    checkpoints.setSourceOffset("rounds", round);
    if (round % 5 !== 0) {
      await new Promise((resolve) => setTimeout(resolve));
      continue;
    }
    await checkpoints.checkpoint();
    await fetch(`/acknowledged/${run}`, { method: "POST", body: String(round) });
  }
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
    const told = Object.fromEntries(changes.map(({ key, value }) => [text(key), text(value)]));
    const now = Number(told.round);
    if (round !== undefined && now !== round + 1) wrong(`round ${now} after round ${round}`);
    if (told[`k${now % 50}`] !== told.round || changes.length !== 2) wrong(`round ${now} is not whole: ${JSON.stringify(told)}`);
    round = now;
    seen.notices++;
  });
  const live = client.live({ prefix: "k" });
  let newest = 0;
  live.subscribe((entries) => {
    newest = Math.max(0, ...entries.map(([, value]) => Number(text(value))));
    // A snapshot has fifty rounds without a hole, whatever moment it is from.
    const least = Math.min(...entries.map(([, value]) => Number(text(value))));
    if (newest - least + 1 !== entries.length && entries.length > 0) wrong(`a live range from ${least} to ${newest} with ${entries.length} entries`);
  });
  return { client, seen, newest: () => newest, round: async () => Number(text(await client.get("round"))) };
}

/** Connects to the SharedWorker of a name, and to its next one if it is killed. */
export const shared = (name) => watch(connect(() => new SharedWorker("/test/shared-worker.mjs", { type: "module", name }).port));
