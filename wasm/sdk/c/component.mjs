// Builds a plugin from a core module: node component.mjs WIT-FOLDER WORLD CORE.wasm OUTPUT.wasm [FOLDER]
//
// It does the same as `wasm-tools component embed` and `wasm-tools component new`, with the same code from npm. It finds
// jco from FOLDER, from where it is called, or from its own folder.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [wit, world, core, output, folder = "."] = process.argv.slice(2);

function find(name) {
  const folders = [folder, ".", fileURLToPath(new URL(".", import.meta.url))];
  for (const from of folders) {
    try {
      return createRequire(join(resolve(from), "_.js")).resolve(name);
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error(`${name} is not there: npm install @bytecodealliance/jco@1.35.0, or put wasm-tools on the PATH`);
}
const { componentEmbed, componentNew } = await import(pathToFileURL(find("@bytecodealliance/jco")));

// The library takes the package as one text, and the first file must name the package.
const names = (await readdir(wit)).sort((a, b) => (b === "types.wit") - (a === "types.wit"));
const texts = await Promise.all(names.map((name) => readFile(join(wit, name), "utf8")));
const embedded = await componentEmbed({ binary: await readFile(core), witSource: texts.join("\n"), world });
await writeFile(output, await componentNew(embedded, []));
