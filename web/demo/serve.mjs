// Serves web/demo/dist and prints the address: `node web/demo/serve.mjs [port]`.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("dist/", import.meta.url));

const types = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  map: "application/json",
  wasm: "application/wasm",
  gz: "application/gzip",
};

const server = createServer(async (request, response) => {
  try {
    const { pathname } = new URL(request.url, "http://localhost");
    const wanted = normalize(decodeURIComponent(pathname));
    const path = join(folder, wanted.endsWith("/") ? `${wanted}index.html` : wanted);
    const { size } = await stat(path);
    response.writeHead(200, {
      "Content-Type": types[path.split(".").pop()] ?? "application/octet-stream",
      "Content-Length": size,
      "Cache-Control": "no-store",
      // Isolated pages have a clock with steps of 5 µs instead of 100 µs, and the pauses to show are shorter
      // than 100 µs. The demo works without these two headers.
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    if (request.method === "HEAD") response.end();
    else createReadStream(path).pipe(response);
  } catch {
    response.writeHead(404, { "Content-Type": "text/plain" }).end("not found\n");
  }
});

const port = Number(process.argv[2] ?? process.env.PORT ?? 8080);
server.on("error", (error) => {
  const hint = error.code === "EADDRINUSE" ? `port ${port} is taken: node web/demo/serve.mjs ANOTHER` : error.message;
  console.error(hint);
  process.exit(2);
});
server.listen(port, "127.0.0.1", async () => {
  const isBuilt = await stat(join(folder, "index.html")).catch(() => undefined);
  if (!isBuilt) {
    console.error("web/demo/dist is missing: run web/demo/build.sh");
    process.exit(2);
  }
  console.log(`http://localhost:${server.address().port}/`);
});
