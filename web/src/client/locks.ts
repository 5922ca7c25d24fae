// Web Locks tell when a tab or a worker has gone: the browser releases what it held, also if it was killed.

import { type Lock, acquire } from "../lock.js";

/** Whether there are Web Locks here. Node 20 and pages without HTTPS have none. */
export const hasLocks = (): boolean => globalThis.navigator?.locks !== undefined;

/** The lock of one client or one engine's side. */
const lockName = (id: string): string => `alluvium/alive/${id}`;

/**
 * Holds the lock of an id. Resolves with the lock when it is held, and with nothing where there are no locks or the browser
 * denies them, as it does in a sandboxed frame. Messages work there, too.
 */
export async function alive(id: string): Promise<Lock | undefined> {
  if (!hasLocks()) return undefined;
  return acquire(lockName(id), "wait", undefined, () => {}).catch(() => undefined);
}

/** Calls `gone` once when the lock of an id is free. The returned function takes that back. */
export function whenGone(id: string, gone: () => void): () => void {
  const controller = new AbortController();
  navigator.locks.request(lockName(id), { mode: "shared", signal: controller.signal }, gone).catch(() => {
    // It was taken back, or locks are denied here.
  });
  return () => controller.abort();
}
