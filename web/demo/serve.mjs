// Serves the demo: `node serve.mjs [port]`, or `--folder DIR` writes it as a static folder for any host.

import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { serve } from "../test/server.mjs";

const web = fileURLToPath(new URL("../", import.meta.url));
const flights = join(web, "../tests/data");

if (process.argv[2] === "--folder") {
  const folder = process.argv[3];
  if (!folder) throw new Error("--folder DIR: where to");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(web, "demo"), join(folder, "demo"), { recursive: true });
  cpSync(join(web, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(flights, "flights-2013-01.csv.gz"), join(folder, "demo/flights-2013-01.csv.gz"));
  console.log(`${folder}: serve it, and open demo/`);
} else {
  const { origin } = await serve(
    [
      ["/web/dist/", join(web, "dist")],
      ["/web/demo/", join(web, "demo")],
      ["/tests/data/", flights],
    ],
    { port: Number(process.argv[2] ?? 8080) },
  );
  console.log(`${origin}/web/demo/`);
}
