// Runs the js blocks of a page against the built package: in a real browser, or in Node where the
// block says so. The blocks of one page share an origin or a folder, as visits of one user do.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { inScratch, run } from "./shell.mjs";

const BLOCK_MS = 60_000;

/** The entries of the package that pages import as they are. */
const ENTRIES = { alluvium: "index.js", "alluvium/inline": "inline.js", "alluvium/client": "client/index.js", "alluvium/inspector": "inspector/index.js", "alluvium/sources": "sources/index.js" };

/** Runs the blocks in Node, in a project that has the package installed, and gives the output of each. */
export async function runInNode({ root, target }, blocks) {
  return inScratch(root, target, async (folder) => {
    mkdirSync(join(folder, "project/node_modules"), { recursive: true });
    symlinkSync(join(root, "web"), join(folder, "project/node_modules/alluvium"));
    const outputs = [];
    for (const [at, { page, line, code }] of blocks.entries()) {
      writeFileSync(join(folder, `project/${at}.mjs`), code);
      const { output, ended } = await run(process.execPath, [`${at}.mjs`], { cwd: join(folder, "project") });
      if (ended !== "0") throw new Error(`${page}:${line}: ended with ${ended}\n${output}`);
      outputs.push(output);
    }
    return outputs;
  });
}

/** Runs the blocks as modules of pages in Chromium, one load for each, and gives what each logged. */
export async function runInBrowser({ root }, blocks) {
  const [{ browsers, kill, launch, missing, profile }, { serve }] = await Promise.all([
    import(join(root, "web/test/browsers.mjs")),
    import(join(root, "web/test/server.mjs")),
  ]);
  const chromium = browsers.find(({ name }) => name === "chromium");
  if (!chromium.path) throw new Error(`chromium: ${missing(chromium)}`);
  const waiting = new Map();
  const posted = (path, text) => waiting.get(path)?.(JSON.parse(text));
  const own = await profile();
  const pages = join(own.folder, "pages");
  mkdirSync(join(pages, "node_modules"), { recursive: true });
  symlinkSync(join(root, "web"), join(pages, "node_modules/alluvium"));
  const server = await serve([["/alluvium/", join(root, "web/dist")], ["/", pages]], { posted });
  const browser = await launch(chromium, own.path);
  try {
    const outputs = [];
    for (const [at, { page, line, code }] of blocks.entries()) {
      writeFileSync(join(pages, `${at}.js`), await bundled(root, pages, code));
      writeFileSync(join(pages, `${at}.html`), html(at));
      const ended = new Promise((resolve) => waiting.set(`/done/${at}`, resolve));
      const tab = await browser.newPage();
      await tab.goto(`${server.origin}/${at}.html`);
      const late = new Promise((resolve) => setTimeout(resolve, BLOCK_MS, { failed: `no end after ${BLOCK_MS} ms`, lines: [] }).unref());
      const { lines, failed } = await Promise.race([ended, late]);
      if (failed) throw new Error(`${page}:${line}: ${failed}\n${lines.join("\n")}`);
      await tab.close();
      outputs.push(lines.join("\n"));
    }
    return outputs;
  } finally {
    await kill(browser);
    server.close();
    await own.discard();
  }
}

/** Bundles a block with what it imports besides the package, as an application's bundler does. */
async function bundled(root, pages, code) {
  const imported = [...code.matchAll(/^import .* from "([^".][^"]*)";/gm)].map(([, name]) => name);
  const others = imported.filter((name) => !(name in ENTRIES));
  if (others.length === 0) return code;
  const { rolldown } = await import(pathToFileURL(join(root, "web/node_modules/rolldown/dist/index.mjs")));
  const input = join(pages, "block.js");
  writeFileSync(input, code);
  const bundle = await rolldown({
    input,
    platform: "browser",
    external: Object.keys(ENTRIES),
    resolve: { modules: [join(pages, "node_modules"), join(root, "web/node_modules")] },
    transform: { define: { "process.env.NODE_ENV": '"production"' } },
  });
  const { output } = await bundle.generate({ format: "esm" });
  await bundle.close();
  return output[0].code;
}

/** A page that loads a block as a module, and posts what it logged once it has ended. */
const html = (at) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>block ${at}</title>
<link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, `/alluvium/${path}`])) })}</script>
<script type="module">
const lines = [];
const shown = (value) => (typeof value === "string" ? value : typeof value === "bigint" ? String(value) : JSON.stringify(value));
console.log = (...values) => lines.push(values.map(shown).join(" "));
const done = (failed) => fetch("/done/${at}", { method: "POST", body: JSON.stringify({ lines, failed }) });
import("/${at}.js").then(() => done(), (error) => done(String(error?.stack ?? error)));
</script>
</html>
`;
