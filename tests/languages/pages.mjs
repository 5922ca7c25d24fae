// Tries the pages of wasm/plugins/*/README.md in other languages exactly as they are written: their sh blocks, one after the
// other, in a shell that stops at the first error, in an empty folder.
//
// node pages.mjs ALLUVIUM FOLDER, with what build.sh left in FOLDER.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [alluvium, folder] = process.argv.slice(2).map((path) => resolve(path));
const root = fileURLToPath(new URL("../..", import.meta.url));
const missing = readFileSync(join(folder, "missing"), "utf8");
/// The pages, and a line that each must show at its end.
const RECORDS = '{"key":"records","records":27004}';
const CELLAR = '{"key":"cellar","from":"2026-01-01T05:00:00Z","to":"2026-01-01T06:00:00Z","value":11.0}';
const PAGES = [
  ["JavaScript", "delays-js", RECORDS],
  ["Python", "delays-py", RECORDS],
  ["C", "delays-c", RECORDS],
  ["JavaScript", "javascript", CELLAR],
  ["Python", "python", CELLAR],
  ["C", "c", CELLAR],
];

let [passed, failed, skipped] = [0, 0, 0];
for (const [language, name, said] of PAGES) {
  const page = `wasm/plugins/${name}/README.md`;
  if (missing.includes(`${language}:`)) {
    skipped += 1;
    console.log(`SKIPPED  ${page}`);
    continue;
  }
  const blocks = [...readFileSync(join(root, page), "utf8").matchAll(/^```sh\n(.*?)^```$/gms)];
  const script = `set -e\n${blocks.map(([, block]) => block).join("\n")}`;
  const empty = mkdtempSync(join(tmpdir(), "alluvium-page-"));
  const env = {
    ...process.env,
    ALLUVIUM: root,
    PATH: `${dirname(alluvium)}:${process.env.PATH}`,
    // What build.sh has fetched already need not be fetched again.
    npm_config_prefer_offline: "true",
  };
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: empty, env, encoding: "utf8" });
  rmSync(empty, { recursive: true });
  if (blocks.length > 0 && status === 0 && stdout.split("\n").includes(said)) {
    passed += 1;
    console.log(`ok    ${page}`);
  } else {
    failed += 1;
    console.log(`FAIL  ${page}: ended with ${status} and without ${said}\n${stdout}\n${stderr}`);
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
