// Writes dist/index.html: src/index.html with the lines of src/ten-lines.ts in it. The build also compiles these lines, and
// the page runs them, so what is shown is what works.

import { readFile, writeFile } from "node:fs/promises";

const file = (path) => new URL(path, import.meta.url);
const page = await readFile(file("src/index.html"), "utf8");
const lines = (await readFile(file("src/ten-lines.ts"), "utf8")).trimEnd();
const marker = "<!-- src/ten-lines.ts -->";
if (page.split(marker).length !== 2) throw new Error(`src/index.html must have ${marker} once`);
const escaped = lines.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
await writeFile(file("dist/index.html"), page.replace(marker, () => escaped));
