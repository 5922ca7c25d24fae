// Builds a component from delays.js: node build.mjs [OUTPUT.wasm]
import { componentize } from "@bytecodealliance/componentize-js";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const output = process.argv[2] ?? "delays-js.wasm";

const { component } = await componentize({
  sourcePath: here("delays.js"),
  witPath: here("../../wit"),
  worldName: "plugin",
  // A plugin has no clock, no randomness and no network. Standard error stays enabled, to report bugs.
  disableFeatures: ["random", "clocks", "http", "fetch-event"],
});
await writeFile(output, component);
console.log(`${output}: ${component.length} bytes`);
