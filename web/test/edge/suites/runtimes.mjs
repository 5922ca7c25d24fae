// The package in Bun and Deno, with checkpoints in files that Node opens, too; and Bun's bundler.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { Skipped, same } from "../../harness.mjs";
import { project, ran, within, written } from "../project.mjs";

const { Checkpoints, fileDirectory } = await import("../../../dist/node.js");

/** Returns a program that a package brings for this machine. */
export function program(scope, name) {
  const machines = existsSync(within(scope)) ? readdirSync(within(scope)) : [];
  const paths = machines.flatMap((machine) => [join(within(scope), machine, "bin", name), join(within(scope), machine, name)]);
  const path = paths.find((path) => existsSync(path));
  if (path === undefined) throw new Skipped(`there is no ${name} for this machine`);
  return path;
}

const code = `
import { Checkpoints, fileDirectory } from "alluvium";
import { consume, iterable } from "alluvium/sources";
import { conformance } from "alluvium/testing";

const folder = process.argv.at(-1);
const report = await conformance((name) => fileDirectory(folder + "/" + name));
const passed = report.assert();
const open = () => Checkpoints.open({ name: "runtime", storage: fileDirectory(folder + "/kept") });
for (const most of [60, 100]) {
  const checkpoints = await open();
  const numbers = iterable("numbers", (from) => Array.from({ length: most }, (_, number) => number).slice(Number(from)));
  await consume(checkpoints, numbers, (number) => checkpoints.put("n" + number, String(number)));
  await checkpoints.close();
}
const checkpoints = await open();
console.log(passed + " checks, " + checkpoints.size + " keys, damaged " + (await checkpoints.verify()).isDamaged);
await checkpoints.close();
`;
const SAID = "26 checks, 100 keys, damaged false";

async function readable(folder) {
  const checkpoints = await Checkpoints.open({ name: "runtime", storage: fileDirectory(join(folder, "kept")), create: false });
  same("what Node finds", [checkpoints.size, checkpoints.position("numbers"), (await checkpoints.verify()).isDamaged].map(String), ["100", "100", "false"]);
  await checkpoints.close();
}

export async function bun() {
  const path = program("@oven", "bun");
  const script = written("runtime.mjs", code);
  const folder = join(project, "bun");
  same("what Bun says", await ran(path, ["run", script, folder]), SAID);
  await readable(folder);
  // A bundle of Bun's, which leaves the wasm behind: it is found in the installed package.
  await ran(path, ["build", script, "--target=bun", "--outfile", join(project, "bun.out.js")]);
  same("what the bundle says", await ran(path, ["run", "bun.out.js", join(project, "bun-bundle")]), SAID);
  return (await ran(path, ["--version"])).trim();
}

export async function deno() {
  const path = program("@deno", "deno");
  const script = written("runtime-deno.mjs", code);
  const folder = join(project, "deno");
  const env = { ...process.env, DENO_DIR: join(project, "deno-cache"), DENO_NO_UPDATE_CHECK: "1" };
  const args = ["run", "--no-remote", "--node-modules-dir=manual", `--allow-read=${project}`, `--allow-write=${project}`, "--no-prompt", script, folder];
  same("what Deno says", await ran(path, args, { env }), SAID);
  await readable(folder);
  return (await ran(path, ["--version"], { env })).split("\n")[0];
}
