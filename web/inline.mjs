// Writes the engine as a module, for pages that cannot fetch it: src/wasm/inlined.js. Compressed: base64
// of it is a third of base64 of the wasm.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const here = new URL("./", import.meta.url);
const bytes = gzipSync(readFileSync(new URL("src/wasm/alluvium_wasm_bg.wasm", here)), { level: 9 });
for (const folder of ["src/wasm/", "dist/wasm/"]) {
  writeFileSync(new URL(`${folder}inlined.js`, here), `export default ${JSON.stringify(bytes.toString("base64"))};\n`);
  writeFileSync(new URL(`${folder}inlined.d.ts`, here), "declare const base64: string;\nexport default base64;\n");
}
