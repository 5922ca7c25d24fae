// Writes the engine as a module, for pages that cannot fetch it: src/wasm/inlined.js. Compressed: base64
// of it is a third of base64 of the wasm. It also writes the types of the wasm as a module, and takes types of the DOM out
// of the engine's, because a project for Node may not have them. Only the package's own modules use these.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const here = new URL("./", import.meta.url);
const bytes = gzipSync(readFileSync(new URL("src/wasm/alluvium_wasm_bg.wasm", here)), { level: 9 });
const anywhere = { "RequestInfo | URL": "string | URL", BufferSource: "ArrayBufferView<ArrayBuffer> | ArrayBuffer", "WebAssembly.Memory": "object", "WebAssembly.Module": "object", "WebAssembly.Table": "object" };
for (const folder of ["src/wasm/", "dist/wasm/"]) {
  const types = new URL(`${folder}alluvium_wasm.d.ts`, here);
  const replaced = readFileSync(types, "utf8").replaceAll(/^(?! *\*).*$/gm, (line) => Object.entries(anywhere).reduce((text, [from, to]) => text.replaceAll(from, to), line));
  writeFileSync(types, replaced);
  writeFileSync(new URL(`${folder}inlined.js`, here), `export default ${JSON.stringify(bytes.toString("base64"))};\n`);
  // What an import of the wasm gives depends on who bundles it. All of these can be the option `wasm`.
  writeFileSync(new URL(`${folder}source.d.ts`, here), "import type { WasmModule } from \"../platform.js\";\n\ndeclare const wasm: WasmModule | string;\nexport default wasm;\n");
  writeFileSync(new URL(`${folder}inlined.d.ts`, here), "declare const base64: string;\nexport default base64;\n");
}
