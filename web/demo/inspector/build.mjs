// Builds the inspector into one file, dist/inspector.html, with its script, its style and the engine inside. It can be opened
// from a disk. In a page of your own, the entry `alluvium/inspector` of the package shows the same.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (of) => fileURLToPath(new URL(of, import.meta.url));
const alias = { "alluvium/inline": path("../../dist/inline.js"), "alluvium/inspector": path("../../dist/inspector/index.js") };
const common = { bundle: true, format: "esm", target: "es2022", minify: true, logLevel: "warning" };

const { outputFiles } = await build({ ...common, entryPoints: [path("src/page.ts")], alias, write: false });
// The script ends at the first of these in it, so they are written in another way.
const script = outputFiles[0].text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
const style = await readFile(path("src/style.css"), "utf8");
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
// Nothing but this very script runs, whatever the names in a file are, and nothing is fetched.
const policy = `default-src 'none'; script-src ${hash(script)} 'wasm-unsafe-eval'; style-src ${hash(style)}`;
const parts = { policy: `<meta http-equiv="Content-Security-Policy" content="${policy}">`, style, script };
const page = (await readFile(path("src/index.html"), "utf8")).replaceAll(/<!-- (policy|style|script) -->/g, (_, name) => parts[name]);
await writeFile(path("../dist/inspector.html"), page);
