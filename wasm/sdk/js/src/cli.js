#!/usr/bin/env node
// The command alluvium-plugin.

import { readFile, writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HELP = `alluvium-plugin: make components of operators for Alluvium

Usage:
  alluvium-plugin build FILE [-o FILE.wasm] [--name NAME]

  FILE         the module of the operator, which exports it as default: JavaScript or TypeScript
  -o, --output where the component is written; without it, FILE with the ending .wasm in this folder
  --name       the name of the operator, which its state belongs to; without it, that of FILE.
               An operator that has a name keeps it.

Example:
  alluvium-plugin build weather.js
  alluvium run weather.wasm --dir run --input weather.csv --output windows.ndjson
`;

/** Tells the user what is wrong with the arguments. @param {string} what @returns {never} */
function misused(what) {
  process.stderr.write(`alluvium-plugin: ${what}\n\n${HELP}`);
  process.exit(2);
}

/** Reads the arguments. */
function args() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        output: { type: "string", short: "o" },
        name: { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
      },
    });
  } catch (error) {
    return misused(/** @type {Error} */ (error).message);
  }
}

const { values, positionals } = args();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (values.version) {
  const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  process.stdout.write(`alluvium-plugin ${version}\n`);
  process.exit(0);
}
const [command, source, ...rest] = positionals;
if (command !== "build") misused(command === undefined ? "what should it do?" : `it cannot ${command}`);
if (source === undefined || rest.length > 0) misused("build takes one file");

/** Loads what builds, with the engine and the bundler, which help does not need. */
async function builder() {
  try {
    return await import("./build.js");
  } catch (error) {
    if (/** @type {any} */ (error).code !== "ERR_MODULE_NOT_FOUND") throw error;
    const folder = fileURLToPath(new URL("..", import.meta.url));
    process.stderr.write(`alluvium-plugin: what it needs is not installed: run npm install --prefix ${folder}\n`);
    return process.exit(1);
  }
}

const { BuildError, build } = await builder();
try {
  const output = values.output ?? `${basename(source, extname(source))}.wasm`;
  const { name, component } = await build(source, { name: values.name });
  await writeFile(output, component);
  process.stdout.write(`${output}: the plugin ${name}, ${(component.length / 1e6).toFixed(1)} MB\n`);
} catch (error) {
  const shown = error instanceof BuildError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`alluvium-plugin: ${shown}\n`);
  process.exit(1);
}
