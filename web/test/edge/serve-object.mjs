// Serves a worker with one class of Durable Objects in workerd, with storage on disk: node serve-object.mjs SCRIPT STORAGE CLASS
//
// It prints the address. The tests kill it together with workerd.
import { dirname } from "node:path";

import { imported } from "./project.mjs";

const [scriptPath, storage, className] = process.argv.slice(2);
const { Miniflare } = await imported("miniflare");
const server = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: true,
  modulesRoot: dirname(scriptPath),
  modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
  scriptPath,
  compatibilityDate: "2025-10-01",
  durableObjects: { KEEPER: { className, useSQLite: true } },
  durableObjectsPersist: `${storage}/objects`,
  r2Buckets: ["BUCKET"],
  r2Persist: `${storage}/buckets`,
});
console.log(String(await server.ready));
