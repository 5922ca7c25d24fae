// Finds and kills all processes of a browser.

import { readFileSync, readdirSync } from "node:fs";

/** A process that still lives this long after SIGKILL hangs in the kernel. */
const ENDS_WITHIN_MS = 30_000;

/** Returns every process of this machine, or none if there is no /proc. */
function all() {
  const read = (pid) => {
    try {
      // The name stands in parentheses and may contain any character.
      const [state, parent, group, , , , , , , , , , , , , , , threads, , started] = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      // A process with threads left is still in a system call, even if its first thread is dead.
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

/** Returns the process `pid`, all processes of its group, and all that these started. */
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
    // The process is already gone.
  }
}

/** Sends SIGKILL to a whole family, without waiting. */
export function strike(pid) {
  const members = family(pid);
  signal(-pid);
  for (const member of members.keys()) signal(member);
  return members;
}

/**
 * Kills a whole family with SIGKILL. Resolves when none of it lives. A browser's first process dies well before the
 * processes that write its files. Without waiting, the next browser would read files while they are written.
 */
export async function end(pid) {
  const members = strike(pid);
  for (const until = Date.now() + ENDS_WITHIN_MS; ; ) {
    const now = all();
    const isOurs = (process) => process.group === pid || members.get(process.pid)?.started === process.started;
    const left = now.filter((process) => process.isAlive && isOurs(process));
    if (left.length === 0) return;
    if (Date.now() > until) throw new Error(`SIGKILL did not end the processes ${left.map((process) => process.pid).join(", ")}`);
    // These were started between the listing and the signal.
    for (const process of left) signal(process.pid);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
