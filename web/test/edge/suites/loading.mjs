// The engine in scripts that have no `import.meta.url`: bundles in CommonJS, scripts in pages, and Vercel's runtime.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { same } from "../../harness.mjs";
import { bundled, imported, project, ran, written } from "../project.mjs";

/** What every script does: it takes a checkpoint in a directory of its own and recovers it. */
const app = (from, storage, wasm = "") => `
import { Checkpoints${storage.startsWith("fileDirectory") ? ", fileDirectory" : ""} } from ${JSON.stringify(from)};
const files = new Map();
const found = (path) => files.get(path) ?? Promise.reject(Object.assign(new Error("none"), { kind: "not-found", path }));
const memory = {
  list: async () => [...files].map(([path, { length }]) => [path, length, 0]),
  read: async (path) => found(path),
  readRange: async (path, offset, length) => (await found(path)).slice(offset, offset + length),
  create: async (paths, contents) => paths.forEach((path, at) => files.set(path, contents[at])),
  delete: async (paths) => paths.forEach((path) => files.delete(path)),
};
export async function run() {
  const open = () => Checkpoints.open({ name: "edge", storage: ${storage}${wasm} });
  const checkpoints = await open();
  checkpoints.put("a", "1");
  checkpoints.setSourceOffset("in", 7);
  await checkpoints.checkpoint();
  await checkpoints.close();
  const again = await open();
  const said = \`\${again.getText("a")}, offset \${again.sourceOffset("in")}\`;
  await again.close();
  return said;
}
`;

const SAID = "1, offset 7";
/** esbuild warns that such scripts have no import.meta. This is what is tested. */
const quiet = { "empty-import-meta": "silent" };

/** Bundles in CommonJS for Node, by three bundlers: the engine is that of the installed package, or lies beside the bundle. */
export async function commonJs() {
  const storage = 'fileDirectory(process.argv[2])';
  const main = written("cjs.js", `${app("alluvium", storage)}\nrun().then(console.log);`);
  const check = async (name, script) => {
    const at = join(project, `files-${name}`);
    same(name, await ran("node", [script, at]), SAID);
    rmSync(at, { recursive: true });
  };
  await bundled({ entryPoints: [main], format: "cjs", platform: "node", outfile: "esbuild.cjs", logOverride: quiet });
  await check("esbuild", "esbuild.cjs");

  const { rollup } = await imported("rollup");
  const { nodeResolve } = await imported("@rollup/plugin-node-resolve");
  const built = await rollup({ input: main, external: /^node:/, plugins: [nodeResolve({ exportConditions: ["node"] })] });
  await built.write({ file: join(project, "rollup.cjs"), format: "cjs" });
  await check("rollup", "rollup.cjs");

  const config = `module.exports = { mode: "production", target: "node", entry: ${JSON.stringify(main)}, output: { path: ${JSON.stringify(join(project, "webpack"))}, filename: "main.cjs" } };`;
  const webpack = fileURLToPath(new URL("../../../node_modules/.bin/webpack", import.meta.url));
  await ran(webpack, ["--config", written("webpack.config.cjs", config)]);
  await check("webpack", "webpack/main.cjs");
  return "esbuild, Rollup, webpack";
}

/** A script without modules that holds the engine, in a page. A trap in a later turn also settles what waits for it. */
export async function script(inPage) {
  const breaks = fileURLToPath(new URL("../../stream.mjs", import.meta.url));
  const trapped = `
import { breaking } from ${JSON.stringify(breaks)};
export async function trapped() {
  const checkpoints = await Checkpoints.open({ name: "trapped", ...breaking() });
  return checkpoints.checkpoint().then(() => "written", (error) => error.kind);
}`;
  const main = written("iife.js", app("alluvium/inline", "memory") + trapped);
  await bundled({ entryPoints: [main], format: "iife", globalName: "app", outfile: "iife.out.js", logOverride: quiet });
  const report = 'app.run().then(async (said) => `${said},${await app.trapped()}`).catch((error) => String(error.stack)).then((body) => fetch("/reported", { method: "POST", body }));';
  written("iife.html", `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script src="iife.out.js"></script><script>${report}</script>`);
  same("what the page reported", await inPage("/iife.html"), `${SAID},panic`);
}

/** Without the engine inside, such a script says what to do. With `wasm` it works. */
export async function scriptWithout() {
  const main = written("bare.js", app("./node_modules/alluvium/dist/index.js", "memory"));
  const given = written("given.js", app("./node_modules/alluvium/dist/index.js", "memory", ", wasm: globalThis.wasm"));
  const found = [];
  for (const [entry, outfile] of [[main, "bare.out.cjs"], [given, "given.out.cjs"]]) {
    await bundled({ entryPoints: [entry], format: "cjs", platform: "browser", outfile, logOverride: quiet });
    const wasm = JSON.stringify(join(project, "node_modules/alluvium/dist/wasm/alluvium_wasm_bg.wasm"));
    const runs = `globalThis.wasm = require("node:fs").readFileSync(${wasm}); require("./${outfile}").run().then(console.log, (error) => console.log(error.kind + ": " + error.message));`;
    found.push(await ran("node", [written(`run-${outfile}`, runs)]));
  }
  if (!/^io: the engine could not be loaded: .*no address.*alluvium\/inline.*`wasm`/.test(found[0])) throw new Error(found[0]);
  same("with the option wasm", found[1], SAID);
}

/** Vercel's runtime evaluates a script. It compiles the wasm beforehand, as `import … from "….wasm?module"` does there. */
export async function vercel() {
  const main = written("vercel.js", `${app("alluvium", "memory", ", wasm")}\naddEventListener("fetch", (event) => event.respondWith(run().then((text) => new Response(text), (error) => new Response(String(error.stack), { status: 500 }))));`);
  await bundled({ entryPoints: [main], format: "iife", conditions: ["edge-light", "browser"], outfile: "vercel.out.js", logOverride: quiet });
  const { EdgeRuntime } = await imported("edge-runtime");
  const wasm = new WebAssembly.Module(readFileSync(join(project, "node_modules/alluvium/dist/wasm/alluvium_wasm_bg.wasm")));
  const runtime = new EdgeRuntime({ initialCode: readFileSync(join(project, "vercel.out.js"), "utf8"), extend: (context) => Object.assign(context, { wasm }) });
  const ask = async () => (await runtime.dispatchFetch("http://edge.test/")).text();
  same("what it answers", [await ask(), await ask()], [SAID, SAID]);
}
