// Measures what a page downloads: the wasm and the modules that `import "alluvium"` loads. Each file is
// gzipped separately at the highest level, as a host sends it. `alluvium/inline` and the modules for Node do
// not count, and neither do types, source maps and the names of functions. The other entries that pages load are
// measured alone, without React.
//
//   node size.mjs [--check]   prints the size and the budget; with --check it fails if the size is over

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_KIB = 256;
const dist = fileURLToPath(new URL("dist/", import.meta.url));
const gzipped = (path) => gzipSync(readFileSync(join(dist, path)), { level: 9 }).length;

/** Returns a module and everything that it imports. */
export function loaded(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const imports = /(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g;
  for (const [, to] of readFileSync(join(dist, path), "utf8").matchAll(imports)) loaded(join(dirname(path), to), found);
  return found;
}

/** Returns the bytes of the scripts of one entry. */
export const entrySize = (path) => [...loaded(path)].map(gzipped).reduce((sum, bytes) => sum + bytes, 0);

/** Returns the bytes of the wasm and of the scripts. */
export const pageSize = () => ({ wasm: gzipped("wasm/alluvium_wasm_bg.wasm"), scripts: entrySize("index.js") });

/** The other entries that a page loads, and which have no engine. */
export const entries = { client: "client/index.js", react: "react/index.js", sources: "sources/index.js" };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { wasm, scripts } = pageSize();
  const kib = (wasm + scripts) / 1024;
  console.log(`web_package_kib ${kib.toFixed(1)} (wasm ${wasm} + scripts ${scripts} bytes, gzipped), budget ${BUDGET_KIB} KiB`);
  for (const [name, path] of Object.entries(entries)) console.log(`web_${name}_kib ${(entrySize(path) / 1024).toFixed(1)} (scripts, gzipped)`);
  if (kib > BUDGET_KIB) {
    console.error("the package is over its budget");
    if (process.argv.includes("--check")) process.exit(1);
  }
}
