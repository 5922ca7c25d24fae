// Builds the inspector into one file, dist/inspector.html, with its script, its style and the engine inside. It can be opened
// from a disk. It also builds dist/inspect.js, whose function `inspect` shows checkpoints in a page of your own.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (of) => fileURLToPath(new URL(of, import.meta.url));
const common = { bundle: true, format: "esm", target: "es2022", minify: true, logLevel: "warning" };

await build({ ...common, entryPoints: [path("../../dist/inspector/inspect.js")], outfile: path("../dist/inspect.js") });
const { outputFiles } = await build({ ...common, entryPoints: [path("src/page.ts")], alias: { alluvium: path("../../dist/inline.js") }, write: false });
// The script ends at the first of these in it, so they are written in another way.
const script = outputFiles[0].text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
const style = await readFile(path("src/style.css"), "utf8");
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
// Nothing but this very script runs, whatever the names in a file are, and nothing is fetched.
const policy = `default-src 'none'; script-src ${hash(script)} 'wasm-unsafe-eval'; style-src ${hash(style)}`;
const parts = { policy: `<meta http-equiv="Content-Security-Policy" content="${policy}">`, style, script };
const page = (await readFile(path("src/index.html"), "utf8")).replaceAll(/<!-- (policy|style|script) -->/g, (_, name) => parts[name]);
await writeFile(path("../dist/inspector.html"), page);
