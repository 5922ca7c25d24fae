// A SharedWorker of the tests that has the engine. Its name is that of the checkpoints. It works and serves each page.

import { serve } from "/testing/client/index.js";
import { open, work } from "/test/leading.mjs";

const opened = open(self.name);
opened.then((checkpoints) => work(checkpoints, new AbortController().signal, self.name));

self.onconnect = async ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => data === "die" && self.close());
  serve(await opened, port);
};
