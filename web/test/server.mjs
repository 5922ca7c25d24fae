// A small server for tests, benchmarks and the demo. It serves the files of given folders, and passes on what
// pages POST.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";

const types = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  mjs: "text/javascript",
  css: "text/css",
  wasm: "application/wasm",
  json: "application/json",
  svg: "image/svg+xml",
  gz: "application/gzip",
  png: "image/png",
};

/**
 * Serves `mounts`, pairs of a path prefix and a folder. The first prefix that fits is used. What a page POSTs is
 * passed to `posted(path, text)`. If that returns a text, the text is the answer.
 */
export async function serve(mounts, { port = 0, posted } = {}) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    // Only isolated pages have a clock of fine resolution.
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Cache-Control", "no-store");
    if (request.method === "POST") {
      let body = "";
      try {
        for await (const chunk of request) body += chunk;
      } catch {
        // The browser was killed before the request was complete, so the request is dropped.
        return;
      }
      const reply = await posted?.(url.pathname, body);
      response.writeHead(typeof reply === "string" ? 200 : 204).end(typeof reply === "string" ? reply : undefined);
      return;
    }
    const mount = mounts.find(([prefix]) => url.pathname.startsWith(prefix));
    let path = mount && join(mount[1], normalize("/" + decodeURIComponent(url.pathname.slice(mount[0].length))));
    try {
      let found = await stat(path);
      if (found.isDirectory()) {
        path = join(path, "index.html");
        found = await stat(path);
      }
      const type = types[path.split(".").pop()] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, "Content-Length": found.size });
      createReadStream(path).pipe(response);
    } catch {
      response.writeHead(404).end(`not found: ${url.pathname}\n`);
    }
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { origin: `http://localhost:${server.address().port}`, close: () => server.close() };
}
