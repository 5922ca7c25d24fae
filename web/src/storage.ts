// The storage that the browser grants this origin.

import { oneOf, refuse, texted } from "./checks.js";
import { AlluviumError } from "./error.js";

/** How much this origin stores, and whether the browser may evict it. */
export interface StorageEstimate {
  /** The bytes that this origin stores, if the browser says. */
  usageBytes: number | undefined;
  /** The bytes that it may store, if the browser says. */
  quotaBytes: number | undefined;
  /** Whether the browser keeps the storage when space gets short. Otherwise it may evict all of it at once. */
  isPersistent: boolean;
}

/** Asks the browser to keep the storage when space gets short. Returns whether it agreed. Call it from a window. */
export async function persist(): Promise<boolean> {
  return (await globalThis.navigator?.storage?.persist?.()) ?? false;
}

/** Returns how much storage is used and granted. */
export async function estimate(): Promise<StorageEstimate> {
  const storage = globalThis.navigator?.storage;
  const { usage, quota } = (await storage?.estimate?.()) ?? {};
  return { usageBytes: usage, quotaBytes: quota, isPersistent: (await storage?.persisted?.()) ?? false };
}

/** Checks a name of checkpoints. */
export function nameOf(what: string, name: unknown): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(texted(what, name))) return name as string;
  return refuse(`name ${JSON.stringify(name)} must be 1 to 64 letters, digits, ".", "_" or "-", and must not start with "."`);
}

/** Deletes all checkpoints of a name. They must be closed first, in this tab and in every other one. */
export async function destroy(name: string, storage: "indexeddb" | "opfs" = "indexeddb"): Promise<void> {
  nameOf("name", name);
  const isOpfs = oneOf("storage", storage, ["indexeddb", "opfs"]) === "opfs";
  const isThere = isOpfs ? globalThis.navigator?.storage?.getDirectory !== undefined : globalThis.indexedDB !== undefined;
  if (!isThere) refuse(`storage "${storage}": this runtime does not have it`);
  if (isOpfs) {
    const root = await navigator.storage.getDirectory();
    const all = await root.getDirectoryHandle("alluvium", { create: true });
    await all.removeEntry(name, { recursive: true }).catch((thrown: unknown) => {
      if (!(thrown instanceof DOMException && thrown.name === "NotFoundError")) throw thrown;
    });
    return;
  }
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`alluvium/${name}`);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(new AlluviumError("io", `${name} could not be deleted: ${String(request.error)}`));
    request.onblocked = () => reject(new AlluviumError("busy", `${name} is open elsewhere: close it there first`));
  });
}
