// What sources read of checkpoints. It is apart from them, so that a source does not bring the engine with it.

/** The name of a member that only this package reads: how long after a checkpoint the next one is due. */
export const intervalMs: unique symbol = Symbol("intervalMs");
