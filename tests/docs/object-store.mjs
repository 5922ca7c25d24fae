// Starts an object store for pages that use one.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SERVE = fileURLToPath(new URL("../servers/object/serve.py", import.meta.url));

/** The bucket that the pages name. */
const BUCKET = "bucket";

/** Whether a block needs the store. */
export const usesStore = ({ kind, code }) => kind === "sh" && code.includes("s3://");

/** Calls `work` with a store whose variables are in the environment. Gives `undefined` where the store could not be installed. */
export async function withObjectStore(target, work) {
  const installed = join(target, "object-servers");
  if (existsSync(join(installed, "skipped"))) {
    console.log(`SKIPPED blocks that use an object store: ${readFileSync(join(installed, "skipped"), "utf8").trim()}`);
    return undefined;
  }
  const server = spawn(join(installed, "moto/bin/python3"), [SERVE], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((_, reject) => {
    server.once("error", reject);
    server.once("close", (code) => reject(new Error(`moto ended with ${code}: make object-servers`)));
  });
  ended.catch(() => {});
  const kill = () => server.kill("SIGKILL");
  process.once("exit", kill);
  try {
    const listening = new Promise((resolve) => {
      createInterface({ input: server.stderr }).on("line", (line) => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
        if (found) resolve(found[0]);
      });
    });
    const endpoint = await Promise.race([listening, ended]);
    const created = await fetch(`${endpoint}/${BUCKET}`, { method: "PUT" });
    if (!created.ok) throw new Error(`the bucket was not created: ${created.status}`);
    Object.assign(process.env, {
      AWS_ENDPOINT: endpoint,
      AWS_ALLOW_HTTP: "true",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: "us-east-1",
    });
    return await work();
  } finally {
    process.off("exit", kill);
    kill();
  }
}
