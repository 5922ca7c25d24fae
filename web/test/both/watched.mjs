// What the tests of changes share.

import { same } from "./common.mjs";

/** Returns changes as texts. */
export const texts = ({ changes }, read = (value) => new TextDecoder().decode(value)) =>
  changes.map(({ key, value }) => `${read(key)}=${value === undefined ? "-" : read(value)}`);

/** Lets everything be told that was changed until now. */
export const told = () => new Promise((resolve) => setTimeout(resolve));

/** Collects what is told, and checks that nothing is missing in between. */
export function watched(space, where) {
  const seen = [];
  const stop = space.subscribe(where, (changes) => {
    const last = seen.at(-1);
    if (last !== undefined) same("it follows the one before", changes.since, last.sequence);
    if (!(changes.sequence > changes.since)) throw new Error(`${changes.sequence} does not follow ${changes.since}`);
    seen.push(changes);
  });
  return { seen, stop, texts: () => seen.splice(0).map((changes) => (changes.isReset ? "reset" : texts(changes).join(" "))) };
}
