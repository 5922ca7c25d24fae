// Writes the engine as a module, for pages that cannot fetch it: src/wasm/inlined.js.
import { readFileSync, writeFileSync } from "node:fs";

const here = new URL("./", import.meta.url);
const bytes = readFileSync(new URL("src/wasm/alluvium_wasm_bg.wasm", here));
for (const folder of ["src/wasm/", "dist/wasm/"]) {
  writeFileSync(new URL(`${folder}inlined.js`, here), `export default ${JSON.stringify(bytes.toString("base64"))};\n`);
  writeFileSync(new URL(`${folder}inlined.d.ts`, here), "declare const base64: string;\nexport default base64;\n");
}
