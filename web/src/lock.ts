// Web Locks keep each storage to one writer. The lock only makes two writers rare. What makes two writers
// safe is that the storage creates files exclusively, so the loser of a race is fenced.

import { AlluviumError } from "./error.js";

/** A lock that is held. */
export interface Lock {
  release(): void;
}

/**
 * Takes the lock `name`. `whenTaken` says what happens if another context holds it. `lost` is called when the
 * lock is stolen later.
 */
export async function acquire(
  name: string,
  whenTaken: "fail" | "wait" | "steal",
  signal: AbortSignal | undefined,
  lost: () => void,
): Promise<Lock> {
  const locks = globalThis.navigator?.locks;
  // Node and insecure contexts have no Web Locks. Exclusive creation still fences the loser there.
  if (locks === undefined) return { release() {} };
  return new Promise<Lock>((resolve, reject) => {
    let held = false;
    const options: LockOptions =
      whenTaken === "wait" ? (signal ? { signal } : {}) : whenTaken === "steal" ? { steal: true } : { ifAvailable: true };
    locks
      .request(name, options, (lock) => {
        if (lock === null) {
          const what = `${name} is open in another tab or worker; close it there, or open it with whenTaken "wait" or "steal"`;
          throw new AlluviumError("fenced", what);
        }
        held = true;
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch((thrown: unknown) => {
        if (held) lost();
        else if (thrown instanceof AlluviumError) reject(thrown);
        else reject(new AlluviumError("fenced", `stopped waiting for ${name}: ${String(thrown)}`, { cause: thrown }));
      });
  });
}
