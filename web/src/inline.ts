// The entry `alluvium/inline`. It exports what the main entry exports, but contains the engine's wasm. It is
// for pages that cannot fetch a second file.

import base64 from "./wasm/inlined.js";
import { setWasmSource } from "./engine.js";

setWasmSource(async () => {
  const compressed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Response(new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
});

export * from "./index.js";
