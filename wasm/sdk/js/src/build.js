// Builds a component of an operator: its module and this package in one file, and that with a JavaScript engine.

import { componentize } from "@bytecodealliance/componentize-js";
import { build as bundle } from "esbuild";
import { existsSync, realpathSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Why a component cannot be built, in words for the operator's author. */
export class BuildError extends Error {}

const here = (/** @type {string} */ path) => realpathSync(fileURLToPath(new URL(path, import.meta.url)));

/** What the operator's module imports of this package is this one, which also makes the component. */
const ALIAS = { "alluvium-plugin": here("index.js") };

/**
 * Builds a component, and returns it with the name of its operator.
 *
 * @param {string} source The module of the operator, which exports it as default.
 * @param {{ name?: string }} [options] The name of an operator without one; without it, that of the file.
 * @returns {Promise<{ name: string, component: Uint8Array }>}
 */
export async function build(source, { name: given } = {}) {
  const path = resolve(source);
  if (!existsSync(path)) throw new BuildError(`${source}: there is no such file`);
  const name = given ?? basename(path, extname(path));
  const scratch = await mkdtemp(join(realpathSync(tmpdir()), "alluvium-plugin-"));
  try {
    const { described, isMigrating } = await check(path, name, scratch);
    const entry = [
      `import operator from ${JSON.stringify(path)};`,
      `import { component } from ${JSON.stringify(here("component.js"))};`,
      `const { operator: exported, migration, timed, keyed } = component(operator, ${JSON.stringify(name)});`,
      `export { exported as operator, ${isMigrating ? "migration, " : ""}timed, keyed };`,
    ];
    const sourcePath = join(scratch, "component.js");
    await bundled({ contents: entry.join("\n"), resolveDir: dirname(path) }, sourcePath);
    const { component } = await componentize({
      sourcePath,
      witPath: wit(),
      // A host offers a migration of a plugin that exports one.
      worldName: isMigrating ? "migrating-keyed-timed-plugin" : "keyed-timed-plugin",
      // A plugin has no clock, no randomness and no network. Standard error stays enabled, to report bugs.
      disableFeatures: ["random", "clocks", "http", "fetch-event"],
    });
    return { name: described, component };
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/**
 * Makes the operator once in Node, so that its mistakes are shown as they are. Returns its name, and whether it
 * migrates the state of older versions.
 *
 * @param {string} path
 * @param {string} name
 * @param {string} scratch
 * @returns {Promise<{ described: string, isMigrating: boolean }>}
 */
async function check(path, name, scratch) {
  const contents = [
    `import * as module from ${JSON.stringify(path)};`,
    `import { made } from ${JSON.stringify(here("operators.js"))};`,
    `import { described } from ${JSON.stringify(here("description.js"))};`,
    `if (!("default" in module)) throw new TypeError("it has no default export, which is the operator");`,
    `const operator = made(module.default);`,
    `export const description = described(operator.describe(), ${JSON.stringify(name)});`,
    `export const isMigrating = operator.migrate !== undefined;`,
  ];
  const outfile = join(scratch, "check.mjs");
  await bundled({ contents: contents.join("\n"), resolveDir: dirname(path) }, outfile);
  try {
    const { description, isMigrating } = await import(pathToFileURL(outfile).href);
    return { described: description.name, isMigrating };
  } catch (error) {
    throw new BuildError(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/**
 * Puts a module and all that it imports into one file.
 *
 * @param {{ contents: string, resolveDir: string }} stdin
 * @param {string} outfile
 */
async function bundled(stdin, outfile) {
  try {
    await bundle({
      stdin,
      outfile,
      bundle: true,
      format: "esm",
      // What a plugin does not have cannot be imported: a file system, the network.
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "es2022",
      charset: "utf8",
      // A bug is reported with the names of functions and classes.
      keepNames: true,
      external: ["alluvium:checkpoint/*"],
      alias: ALIAS,
      logLevel: "silent",
    });
  } catch (error) {
    const { errors } = /** @type {import("esbuild").BuildFailure} */ (error);
    if (!Array.isArray(errors)) throw error;
    const lines = errors.map(({ text, location }) => (location ? `${location.file}:${location.line}: ${text}` : text));
    throw new BuildError(lines.join("\n"), { cause: error });
  }
}

/** Returns the folder of the interfaces: in the package, or beside it in a checkout. */
function wit() {
  const found = ["wit", "../../wit"].map((path) => join(here(".."), path)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new BuildError("this package has no interfaces: link it from a checkout, or install what npm pack makes");
}
