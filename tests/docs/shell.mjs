// Runs the sh blocks of a page, one after the other in one shell, in a folder that looks like the
// repository: its files are there as links, and what the commands write stays in the folder.

import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A page that takes longer is too slow to be read along with. */
const PAGE_MS = 120_000;

/** Never linked: what the commands of a page make, and what no page needs. */
const NOT_LINKED = new Set([".git", "run", "target"]);

/** Makes the folder, calls `work` with its path, and removes it. */
export async function inScratch(root, target, work) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "alluvium-docs-")));
  try {
    for (const name of readdirSync(root)) if (!NOT_LINKED.has(name)) symlinkSync(join(root, name), join(folder, name));
    symlinkSync(target, join(folder, "target"));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the blocks, and gives the output of each. Throws at the first that fails, with what it said. */
export async function runShell({ root, target, command }, blocks) {
  return inScratch(root, target, async (folder) => {
    const tools = join(folder, ".tools");
    mkdirSync(tools);
    // `make run` is the real one, over the real sources; only its directory is the scratch folder's.
    const make = execFileSync("which", ["make"], { encoding: "utf8" }).trim();
    writeFileSync(
      join(tools, "make"),
      `#!/bin/sh\n[ "$*" = run ] || { echo "tests/docs tries no make but make run" >&2; exit 2; }\n` +
        `unset MAKEFLAGS MAKELEVEL MFLAGS\nexec ${make} --silent -C '${root}' run DIR='${folder}/run/checkpoints'\n`,
    );
    chmodSync(join(tools, "make"), 0o755);
    const mark = `-- block ${process.pid} `;
    const script = blocks.map(({ code }, at) => `printf '\\n%s\\n' '${mark}${at}'\n${code}`).join("\n");
    const env = { ...process.env, PATH: [tools, command, process.env.PATH].join(":"), TERM: "dumb" };
    const { output, ended } = await run("bash", ["-euo", "pipefail", "-c", `exec 2>&1 </dev/null\n${script}`], { cwd: folder, env });
    const outputs = output.replaceAll(`${folder}/`, "").split(`\n${mark}`).slice(1);
    const texts = outputs.map((text) => text.slice(text.indexOf("\n") + 1));
    if (ended !== "0") {
      const { page, line } = blocks[texts.length - 1] ?? blocks[0];
      throw new Error(`${page}:${line}: ended with ${ended}\n${texts.at(-1) ?? output}`);
    }
    return texts;
  });
}

/** Runs a program, and ends with it everything that it started. Gives its output and how it ended. */
export function run(program, args, options, limitMs = PAGE_MS) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
    const strike = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // All of it is gone.
      }
    };
    const timer = setTimeout(strike, limitMs);
    process.once("exit", strike);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      process.off("exit", strike);
      // What a page left running in the background ends with it.
      strike();
      resolve({ output, ended: signal ?? String(code) });
    });
  });
}
