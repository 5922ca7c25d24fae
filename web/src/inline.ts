// As the main entry, with the engine inside the module: for pages that cannot fetch it.

import base64 from "./wasm/inlined.js";
import { setWasmSource } from "./engine.js";

setWasmSource(() => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));

export * from "./index.js";
