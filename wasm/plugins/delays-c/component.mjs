// Makes a plugin of a core module: node component.mjs WIT-FOLDER CORE.wasm OUTPUT.wasm
//
// What `wasm-tools component embed` and `wasm-tools component new` do, by the same code, from npm.
import { componentEmbed, componentNew } from "@bytecodealliance/jco";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const [wit, core, output] = process.argv.slice(2);

// The library takes the package as one text, whose first file names it.
const names = (await readdir(wit)).sort((a, b) => (b === "types.wit") - (a === "types.wit"));
const texts = await Promise.all(names.map((name) => readFile(join(wit, name), "utf8")));
const embedded = await componentEmbed({ binary: await readFile(core), witSource: texts.join("\n"), world: "plugin" });
await writeFile(output, await componentNew(embedded, []));
