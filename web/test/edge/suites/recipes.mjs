// The recipes of the guide, each built and run in Chromium: bundlers, workers, and a strict security policy.

import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { same } from "../../harness.mjs";
import { bundled, imported, project, ran, written } from "../project.mjs";
import { program } from "./runtimes.mjs";

/** What every recipe does: it takes a checkpoint in IndexedDB and recovers it. `WASM` is an option of `open`, or empty. */
export const app = (imports, wasm = "") => `
import { Checkpoints } from "alluvium";
${imports}
export async function run(name) {
  const open = () => Checkpoints.open({ name, whenTaken: "wait"${wasm} });
  const checkpoints = await open();
  checkpoints.put("a", "1");
  checkpoints.setSourceOffset("in", 7);
  await checkpoints.checkpoint();
  await checkpoints.close();
  const again = await open();
  const said = again.getText("a") + ", offset " + again.sourceOffset("in");
  await again.close();
  return said;
}
`;
export const SAID = "1, offset 7";
const tells = (promise) => `${promise}.catch((error) => String(error?.stack ?? error)).then((body) => fetch("/reported", { method: "POST", body }));`;
export const html = (script, head = "") => `<!doctype html><html lang="en"><head><meta charset="utf-8">${head}<link rel="icon" href="data:,"></head><body><script type="module" src="${script}"></script></body></html>`;

const forEsbuild = app('import wasm from "alluvium/alluvium.wasm";', ", wasm: new URL(wasm, import.meta.url)");

/** esbuild copies the wasm if it is imported as a file, and `wasm` says where it is. */
async function esbuild(name, code, folder = `recipe-${name}`) {
  const entry = written(`${name}.js`, code);
  await bundled({ entryPoints: { [name]: entry }, format: "esm", outdir: folder, loader: { ".wasm": "file" } });
  return `${folder}/${name}.js`;
}

export async function withEsbuild(inPage) {
  const script = await esbuild("esbuild", `${forEsbuild}\n${tells('run("esbuild")')}`);
  written("esbuild.html", html(script));
  same("what the page reported", await inPage("/esbuild.html"), SAID);
}

/** Bun's bundler does the same. */
export async function withBun(inPage) {
  const entry = written("bun-page.js", `${forEsbuild}\n${tells('run("bun")')}`);
  await ran(program("@oven", "bun"), ["build", entry, "--outdir=recipe-bun", "--loader", ".wasm:file"]);
  written("bun.html", html("recipe-bun/bun-page.js"));
  same("what the page reported", await inPage("/bun.html"), SAID);
}

/** Rollup leaves the wasm behind, so it is copied to where the bundle looks for it. */
export async function withRollup(inPage) {
  const { rollup } = await imported("rollup");
  const { nodeResolve } = await imported("@rollup/plugin-node-resolve");
  const input = written("rollup-page.js", `${app("")}\n${tells('run("rollup")')}`);
  const built = await rollup({ input, plugins: [nodeResolve({ browser: true })] });
  await built.write({ dir: join(project, "recipe-rollup"), format: "es" });
  mkdirSync(join(project, "recipe-rollup/wasm"));
  cpSync(join(project, "node_modules/alluvium/dist/wasm/alluvium_wasm_bg.wasm"), join(project, "recipe-rollup/wasm/alluvium_wasm_bg.wasm"));
  written("rollup.html", html("recipe-rollup/rollup-page.js"));
  same("what the page reported", await inPage("/rollup.html"), SAID);
}

/** Several pages share one SharedWorker, which owns the checkpoints. */
export async function sharedWorker(inPage) {
  const worker = await esbuild("shared", `${forEsbuild}
let said;
onconnect = ({ ports: [port] }) => {
  port.onmessage = async () => port.postMessage(await (said ??= run("shared").catch(String)));
};`);
  written("shared-page.js", tells(`new Promise((resolve) => {
  const { port } = new SharedWorker("/${worker}", { type: "module" });
  port.onmessage = ({ data }) => resolve(data);
  port.postMessage("run");
})`));
  written("shared.html", html("shared-page.js"));
  same("what two pages reported", [await inPage("/shared.html"), await inPage("/shared.html")], [SAID, SAID]);
}

/** A service worker keeps checkpoints, too. It opens them when it is asked, because it may be ended at any time. */
export async function serviceWorker(inPage) {
  const worker = await esbuild("service", `${forEsbuild}
addEventListener("install", () => skipWaiting());
addEventListener("message", (event) => event.waitUntil(run("service").catch(String).then((said) => event.ports[0].postMessage(said))));`, "recipe-service");
  written("service-page.js", tells(`(async () => {
  const registration = await navigator.serviceWorker.register("/${worker}", { type: "module" });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (worker.state !== "activated") await new Promise((resolve) => worker.addEventListener("statechange", () => worker.state === "activated" && resolve()));
  const { port1, port2 } = new MessageChannel();
  const said = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  worker.postMessage("run", [port2]);
  return said;
})()`));
  written("service.html", html("service-page.js"));
  same("what the page reported", await inPage("/service.html"), SAID);
}

/** A security policy must allow WebAssembly, and no eval. Without that, the error says so. */
export async function policy(inPage) {
  const script = await esbuild("policy", `${forEsbuild}\n${tells('run("policy")')}`);
  const page = (name, sources) => written(`${name}.html`, html(script, `<meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src 'self'${sources}">`));
  page("policy", " 'wasm-unsafe-eval'");
  same("what the page reported", await inPage("/policy.html"), SAID);
  page("policy-strict", "");
  const refused = await inPage("/policy-strict.html");
  if (!/the engine could not be loaded: .*Content Security Policy/.test(refused)) throw new Error(refused);
}
