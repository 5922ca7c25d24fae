// What sources and served clients read of checkpoints. It is apart from them, so that a source does not bring the engine
// with it. Callers do not see it.

/** The name of a member that says how long after a checkpoint the next one is due. */
export const intervalMs: unique symbol = Symbol("intervalMs");

/** The name of a member that settles when another checkpoint has become the state, or `undefined` if none is about to. */
export const replacing: unique symbol = Symbol("replacing");

/** The name of a method that calls a listener whenever another checkpoint is about to become the state. */
export const beforeReplaced: unique symbol = Symbol("beforeReplaced");

/** Does `work` at once, or when another checkpoint has become the state if one is about to. The engine can be called then. */
export async function afterReplacing<T>(checkpoints: { readonly [replacing]: Promise<void> | undefined }, work: () => T | Promise<T>): Promise<T> {
  for (let under = checkpoints[replacing]; under !== undefined; under = checkpoints[replacing]) await under;
  return work();
}
