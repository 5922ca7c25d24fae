// The page that reads a Durable Stream, and that the tests kill with its browser. It tells what it did by POSTs.

import { stream } from "@durable-streams/client";
import { Checkpoints } from "alluvium";
import wasm from "alluvium/alluvium.wasm";
import { consume, durableStream } from "alluvium/sources";

const asked = new URLSearchParams(location.search);
const total = Number(asked.get("total"));
const tell = (what) => fetch("/told", { method: "POST", body: JSON.stringify({ visit: asked.get("visit"), ...what }) }).catch(() => {});

async function main() {
  const checkpoints = await Checkpoints.open({ name: "reader", whenTaken: "wait", intervalMs: 5, wasm: new URL(wasm, import.meta.url) });
  const { isDamaged } = await checkpoints.verify();
  await tell({ recovered: checkpoints.size, isDamaged });
  if (total === 0) {
    await checkpoints.checkpoint();
    await checkpoints.close();
    return tell({ closed: true });
  }
  checkpoints.on("checkpoint", ({ metadata }) => tell({ durable: metadata.keyCount }));
  const stop = new AbortController();
  const orders = durableStream("orders", (offset, signal) => stream({ url: asked.get("url"), offset, live: asked.get("live"), signal }));
  const apply = ({ number }) => {
    if (checkpoints.has(`record-${number}`)) throw new Error(`record ${number} was read twice`);
    if (number !== checkpoints.size) throw new Error(`record ${number} came after ${checkpoints.size - 1}`);
    checkpoints.put(`record-${number}`, String(number));
    if (checkpoints.size === total) stop.abort();
  };
  if (checkpoints.size < total) await consume(checkpoints, orders, apply, { signal: stop.signal });
  await tell({ complete: checkpoints.size });
}

main().catch((error) => tell({ error: String(error?.stack ?? error) }));
