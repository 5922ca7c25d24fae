// What the tests of clients share: ports that lose messages, and waiting.

/** Returns the text of a value, if there is one. */
export const read = (value) => value && new TextDecoder().decode(value);

/** Waits until a condition holds. */
export async function until(what, condition) {
  for (const end = Date.now() + 60_000; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`a minute passed before ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Connects two ends as a port does. `passes` says which messages arrive. */
export function ends(passes = () => true) {
  const sides = [new Set(), new Set()];
  // Timers of one page may overtake each other. What they deliver must not.
  const waiting = [[], []];
  const make = (to, from) => ({
    postMessage(message) {
      const copy = structuredClone(message);
      if (!passes(copy)) return;
      waiting[to].push(copy);
      setTimeout(() => {
        const data = waiting[to].shift();
        sides[to].forEach((listener) => listener({ data }));
      });
    },
    addEventListener: (_, listener) => void sides[from].add(listener),
    removeEventListener: (_, listener) => void sides[from].delete(listener),
  });
  return [make(0, 1), make(1, 0)];
}
