// Builds a plugin from a core module: node component.mjs WIT-FOLDER CORE.wasm OUTPUT.wasm
//
// It does the same as `wasm-tools component embed` and `wasm-tools component new`, with the same code from npm.
import { componentEmbed, componentNew } from "@bytecodealliance/jco";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const [wit, core, output] = process.argv.slice(2);

// The library takes the package as one text, and the first file must name the package.
const names = (await readdir(wit)).sort((a, b) => (b === "types.wit") - (a === "types.wit"));
const texts = await Promise.all(names.map((name) => readFile(join(wit, name), "utf8")));
const embedded = await componentEmbed({ binary: await readFile(core), witSource: texts.join("\n"), world: "plugin" });
await writeFile(output, await componentNew(embedded, []));
