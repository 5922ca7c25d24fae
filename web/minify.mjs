// Minifies every module of dist in place. Its source map leads on to src, so that a user's stack trace
// can be read.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import { minify } from "terser";

const dist = fileURLToPath(new URL("dist/", import.meta.url));
for (const name of readdirSync(dist, { recursive: true })) {
  if (!name.endsWith(".js") || name.endsWith("inlined.js")) continue;
  const path = join(dist, name);
  const content = existsSync(`${path}.map`) ? readFileSync(`${path}.map`, "utf8") : undefined;
  const { code, map } = await minify(readFileSync(path, "utf8"), {
    module: true,
    ecma: 2022,
    compress: { passes: 2 },
    sourceMap: { ...(content && { content }), url: `${basename(path)}.map` },
  });
  writeFileSync(path, code);
  writeFileSync(`${path}.map`, map);
}
