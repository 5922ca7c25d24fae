// Runs a command component that jco has transpiled, on Node.
//
// in_jco.mjs FOLDER CHECKPOINTS INPUT ARGUMENT…: the two folders are the guest's `checkpoints` and
// `input`. With WITHOUT_DIRECTORY_SYNC in the environment the runtime has no sync of directories, as
// some have none: that is for a test of what the engine says of it.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, checkpoints, input, ...args] = process.argv.slice(2);
// The shim that this jco was made for, which is not always the one at the top of node_modules.
const jco = createRequire(join(resolve(folder), "../node_modules/@bytecodealliance/jco/package.json"));
const { WASIShim } = await import(pathToFileURL(jco.resolve("@bytecodealliance/preview2-shim/instantiation")));
const { instantiate } = await import(pathToFileURL(join(resolve(folder), "driver.js")));

const preopens = { checkpoints, input };
const imports = new WASIShim({ sandbox: { preopens, env: {}, args: ["driver", ...args] } }).getImportObject();
if (process.env.WITHOUT_DIRECTORY_SYNC) {
  const { Descriptor } = imports["wasi:filesystem/types"];
  const sync = Descriptor.prototype.sync;
  Descriptor.prototype.sync = function () {
    if (this.getType() === "directory") throw "unsupported";
    return sync.call(this);
  };
}
const load = async (path) => WebAssembly.compile(await readFile(join(folder, path)));
const component = await instantiate(load, imports);
try {
  component.run.run();
} catch (error) {
  // The program's own failure, which it has explained on standard error.
  if (error?.constructor?.name !== "ComponentError" && error?.exitError !== true) throw error;
  process.exitCode = 1;
}
