// Which tab has the stream. The tabs of one storage queue for a lock: one has it, and the others mirror that one. When it
// closes, the next gets the lock by itself. Taking over steals it. The lock only says who works: if two tabs wrote all the
// same, the package would fence one of them.

export type Role = "leader" | "mirror";

/** How long a tab waits before it is a mirror. After a reload, the page of before may have the lock for a moment. */
const PATIENCE_MS = 300;

let leaving: AbortController | undefined;

/** Queues for a storage, and leaves the queue of the storage of before. `became` is told each time the role changes. */
export function queue(storage: string, became: (role: Role) => void, { steal = false, isMirror = false } = {}): void {
  leaving?.abort();
  const mine = (leaving = new AbortController());
  const isCurrent = () => leaving === mine;
  // Without locks, the package still keeps two writers apart.
  if (!("locks" in navigator)) return became("leader");
  let hasLock = false;
  const late = setTimeout(() => isCurrent() && !hasLock && !isMirror && became("mirror"), PATIENCE_MS);
  const held = () => {
    clearTimeout(late);
    if (!isCurrent()) return;
    hasLock = true;
    became("leader");
    return new Promise<void>((release) => mine.signal.addEventListener("abort", () => release()));
  };
  navigator.locks.request(`alluvium-demo/${storage}`, steal ? { steal } : { signal: mine.signal }, held).catch((thrown: unknown) => {
    clearTimeout(late);
    if (!isCurrent()) return;
    if (!hasLock) throw thrown;
    // Another tab took over. This one mirrors it, and is the next in the queue.
    became("mirror");
    queue(storage, became, { isMirror: true });
  });
}
