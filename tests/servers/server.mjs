// A server of Durable Streams: node server.mjs PACKAGES DATA PORT
//
// PACKAGES is the folder in which npm has installed it, and DATA keeps its streams. It prints its port.
import { createRequire } from "node:module";
import { join } from "node:path";

const [packages, dataDir, port] = process.argv.slice(2);
const { DurableStreamTestServer } = createRequire(join(packages, "/"))("@durable-streams/server");
const server = new DurableStreamTestServer({ host: "127.0.0.1", port: Number(port), dataDir, longPollTimeout: 500 });
console.log(new URL(await server.start()).port);
