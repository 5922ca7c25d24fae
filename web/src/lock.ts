// One writer for each storage, by Web Locks. The lock only makes two writers rare: what keeps them from
// harm is that the storage creates files exclusively, so that the loser of a race is fenced.

import { AlluviumError } from "./error.js";

/** A lock that is held. */
export interface Lock {
  release(): void;
}

/** Takes the lock `name` as told, and calls `lost` when somebody steals it. */
export async function acquire(
  name: string,
  whenTaken: "fail" | "wait" | "steal",
  signal: AbortSignal | undefined,
  lost: () => void,
): Promise<Lock> {
  const locks = globalThis.navigator?.locks;
  // Node and insecure contexts have none; the fence is left.
  if (locks === undefined) return { release() {} };
  return new Promise<Lock>((resolve, reject) => {
    let held = false;
    const options: LockOptions =
      whenTaken === "wait" ? (signal ? { signal } : {}) : whenTaken === "steal" ? { steal: true } : { ifAvailable: true };
    locks
      .request(name, options, (lock) => {
        if (lock === null) {
          const what = `${name} is open in another tab or worker; close it there, or open with whenTaken "wait" or "steal"`;
          throw new AlluviumError("fenced", what);
        }
        held = true;
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch((thrown: unknown) => {
        if (held) lost();
        else if (thrown instanceof AlluviumError) reject(thrown);
        else reject(new AlluviumError("fenced", `waiting for ${name} ended: ${String(thrown)}`, { cause: thrown }));
      });
  });
}
