// What the browser grants this origin.

import { AlluviumError } from "./error.js";

/** How much this origin stores, and whether the browser may throw it away. */
export interface StorageEstimate {
  usageBytes: number | undefined;
  quotaBytes: number | undefined;
  /** Whether it stays when space gets short; otherwise it may be evicted, all of it at once. */
  isPersistent: boolean;
}

/** Asks that storage be kept when space gets short; whether it is. From a window. */
export async function persist(): Promise<boolean> {
  return (await globalThis.navigator?.storage?.persist?.()) ?? false;
}

/** What is used and granted. */
export async function estimate(): Promise<StorageEstimate> {
  const storage = globalThis.navigator?.storage;
  const { usage, quota } = (await storage?.estimate?.()) ?? {};
  return { usageBytes: usage, quotaBytes: quota, isPersistent: (await storage?.persisted?.()) ?? false };
}

/** Deletes all checkpoints of a name. Close them first: here, and in every other tab. */
export async function destroy(name: string, storage: "indexeddb" | "opfs" = "indexeddb"): Promise<void> {
  if (storage === "opfs") {
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
    request.onerror = () => reject(new AlluviumError("io", `deleting ${name}: ${String(request.error)}`));
    request.onblocked = () => reject(new AlluviumError("busy", `${name} is open elsewhere: close it first`));
  });
}
