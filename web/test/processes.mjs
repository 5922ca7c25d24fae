// Whole browsers: every process of one, and how it is made sure that none is left.

import { readFileSync, readdirSync } from "node:fs";

/** A process that SIGKILL does not end by then hangs in the kernel. */
const ENDS_WITHIN_MS = 30_000;

/** Every process of this machine; none where there is no /proc. */
function all() {
  const read = (pid) => {
    try {
      // The name, in parentheses, may hold anything.
      const [state, parent, group, , , , , , , , , , , , , , , threads, , started] = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      // What still has threads is still in a system call, dead as its first thread may be.
      return { pid: Number(pid), parent: Number(parent), group: Number(group), started, isAlive: !"ZX".includes(state) || Number(threads) > 1 };
    } catch {
      return undefined;
    }
  };
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(read).filter((process) => process !== undefined);
  } catch {
    return [];
  }
}

/** The process `pid`, all of its group, and whatever they started. */
export function family(pid) {
  const processes = all();
  const found = new Map(processes.filter((process) => process.pid === pid || process.group === pid).map((process) => [process.pid, process]));
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const process of processes) if (found.has(process.parent)) found.set(process.pid, process);
  }
  return found;
}

function signal(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone, which is what was wanted.
  }
}

/** SIGKILL to all of a family, without waiting. */
export function strike(pid) {
  const members = family(pid);
  signal(-pid);
  for (const member of members.keys()) signal(member);
  return members;
}

/**
 * SIGKILL to all of a family; resolves when not one of them lives. A browser's first process is dead well
 * before those that write its files, and the next browser would read them while they are being written.
 */
export async function end(pid) {
  const members = strike(pid);
  for (const until = Date.now() + ENDS_WITHIN_MS; ; ) {
    const now = all();
    const isOurs = (process) => process.group === pid || members.get(process.pid)?.started === process.started;
    const left = now.filter((process) => process.isAlive && isOurs(process));
    if (left.length === 0) return;
    if (Date.now() > until) throw new Error(`SIGKILL did not end the processes ${left.map((process) => process.pid).join(", ")}`);
    // What was started between the listing and the signal.
    for (const process of left) signal(process.pid);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
