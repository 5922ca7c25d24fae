// What the tests share that run in Node and in every browser. They get the package as their argument.

export function same(what, found, expected) {
  const text = (value) =>
    JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part instanceof Uint8Array ? [...part] : part));
  const [left, right] = [text(found), text(expected)];
  if (left !== right) throw new Error(`${what}: found ${left}, expected ${right}`);
}

/** Returns the kind and the message of the error that a call throws or rejects with. */
export async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return `${error.kind}: ${error.message}`;
  }
  return "no error";
}

/** Checks that a call is refused with a message that says why. */
export async function refused(what, call, expected) {
  const found = await refusal(call);
  if (!expected.test(found)) throw new Error(`${what}: ${found}`);
}

/** Returns numbers from 0 up to 1 that are the same for the same seed. */
export function randoms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A directory in memory that follows the documented contract, and lasts as long as this object. */
export function memory() {
  const files = new Map();
  const found = (path) => files.get(path) ?? Promise.reject(Object.assign(new Error("none"), { kind: "not-found", path }));
  return {
    files,
    list: async () => [...files].map(([path, { length }]) => [path, length, 0]),
    read: async (path) => (await found(path)).slice(),
    readRange: async (path, offset, length) => (await found(path)).slice(offset, offset + length),
    async create(paths, contents) {
      const taken = paths.find((path) => files.has(path));
      if (taken) throw Object.assign(new Error("taken"), { kind: "already-exists", path: taken });
      paths.forEach((path, at) => files.set(path, contents[at].slice()));
    },
    async delete(paths) {
      for (const path of paths) files.delete(path);
    },
  };
}
