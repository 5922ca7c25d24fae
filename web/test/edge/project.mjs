// A project as a user has it: the tarball that npm would publish, installed beside the packages of these tests.

import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { end, strike } from "../processes.mjs";

const web = fileURLToPath(new URL("../../", import.meta.url));

/** The folder into which the Makefile installs the packages of package.json. */
export const packages = process.env.ALLUVIUM_EDGE ?? join(web, "../target/edge");
const required = createRequire(join(packages, "/"));

/** Imports one of the packages. */
export const imported = async (name) => import(pathToFileURL(required.resolve(name)));
/** Returns the path of a file in one of the packages. */
export const within = (path) => join(packages, "node_modules", path);

/** The project. It is removed when this process exits. */
export const project = mkdtempSync(join(tmpdir(), "alluvium-edge-"));
process.on("exit", () => rmSync(project, { recursive: true, force: true }));

/** Packs the package and unpacks it into the project, as an installation does: it has no dependencies. */
export function install() {
  const packed = execFileSync("npm", ["pack", "--json", "--silent", "--pack-destination", project], { cwd: web });
  const [{ filename }] = JSON.parse(packed);
  mkdirSync(join(project, "node_modules/alluvium"), { recursive: true });
  execFileSync("tar", ["-xzf", join(project, filename), "--strip-components=1", "-C", join(project, "node_modules/alluvium")]);
  mkdirSync(join(project, "node_modules/@durable-streams"));
  for (const name of ["@durable-streams/client", "eventsource", "eventsource-parser", "ws"]) {
    if (existsSync(within(name))) symlinkSync(within(name), join(project, "node_modules", name));
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "edge", private: true, type: "module" }));
}

/** Writes a file of the project and returns its path. */
export function written(name, content) {
  writeFileSync(join(project, name), content);
  return join(project, name);
}

/** Bundles files of the project with esbuild. Warnings are errors, except those that `logOverride` allows. */
export async function bundled(options) {
  const { build } = await imported("esbuild");
  const { warnings, ...rest } = await build({ absWorkingDir: project, bundle: true, logLevel: "silent", ...options });
  if (warnings.length > 0) throw new Error(JSON.stringify(warnings));
  return rest;
}

/** The servers that run. They are killed when this process exits, even if a test hangs. */
const servers = new Set();
process.on("exit", () => servers.forEach(strike));

/** Starts a server with Node, in a group of processes of its own. `kill` ends it with everything that it started. */
export function served(args) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  servers.add(child.pid);
  const kill = async () => {
    // Another process may have its id by now.
    if (servers.delete(child.pid)) await end(child.pid);
  };
  return { child, kill };
}

const running = promisify(execFile);

/** Runs a program in the project and returns what it printed. */
export async function ran(program, args, options) {
  try {
    return (await running(program, args, { cwd: project, timeout: 120_000, ...options })).stdout.trim();
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout}`);
  }
}
