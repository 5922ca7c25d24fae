// The worker of the tests in workerd. A Durable Object keeps checkpoints in its own storage, or in a bucket.

import { DurableObject } from "cloudflare:workers";
import * as main from "alluvium";
import { stream } from "@durable-streams/client";
import { consume, durableStream } from "alluvium/sources";
import { conformance } from "alluvium/testing";
import * as alluvium from "alluvium/workerd";

import { run, wrong } from "../stream.mjs";

const { Checkpoints, DurableObjectDirectory, R2Directory } = alluvium;

export class Keeper extends DurableObject {
  #directory(storage, name) {
    return storage === "r2" ? new R2Directory(this.env.BUCKET, name) : new DurableObjectDirectory(this.ctx.storage, name);
  }

  #open(storage) {
    return Checkpoints.open({ name: "kept", storage: this.#directory(storage, "kept") });
  }

  /** Runs the suite for directories. */
  async conformance({ storage }) {
    const { passed, failed } = await conformance((name) => this.#directory(storage, name));
    return { passed, failed };
  }

  /** Takes one checkpoint, and recovers it. */
  async once({ storage }) {
    const before = await this.#open(storage);
    before.putJson("count", (before.getJson("count") ?? 0) + 1);
    before.setPosition("in", "7_8");
    await before.checkpoint();
    await before.close();
    const after = await this.#open(storage);
    const said = [after.getJson("count"), alluvium.textOf(after.position("in")), (await after.verify()).isDamaged, Checkpoints === main.Checkpoints];
    await after.close();
    return said;
  }

  /** Recovers, and says what is wrong with the state. */
  async recover({ storage, seed, least }) {
    this.checkpoints = await this.#open(storage);
    const report = await this.checkpoints.verify();
    return wrong(this.checkpoints, seed, least) ?? (report.isDamaged ? JSON.stringify(report.findings) : null);
  }

  /** Applies some batches, each with a checkpoint, and returns the number of the last. */
  async batches({ seed }) {
    let last = Number(this.checkpoints.sourceOffset("stream"));
    await run(alluvium, this.checkpoints, seed, (number) => (last = number), last + 3);
    return last;
  }

  /** Recovers what was read of a stream. */
  async reopen({ storage }) {
    this.reader = await Checkpoints.open({ name: "reader", storage: this.#directory(storage, "reader"), intervalMs: 5 });
    this.durable = this.reader.size;
    this.reader.on("checkpoint", ({ metadata }) => (this.durable = metadata.keyCount));
    const { isDamaged } = await this.reader.verify();
    return { recovered: this.reader.size, isDamaged };
  }

  /** Says how many records are durable. */
  async progress() {
    return this.durable;
  }

  /** Reads a stream until so many records of it are in the state. A record that comes twice, or too early, is an error. */
  async read({ url, total, live }) {
    const { reader } = this;
    const stop = new AbortController();
    const orders = durableStream("orders", (offset, signal) => stream({ url, offset, live, signal }));
    const apply = ({ number }) => {
      if (number !== reader.size) throw new Error(`record ${number} came after ${reader.size} others`);
      reader.put(`record-${number}`, String(number));
      if (reader.size === total) stop.abort();
    };
    if (reader.size < total) await consume(reader, orders, apply, { signal: stop.signal });
    return reader.size;
  }

  /** Takes a checkpoint from elsewhere and gives it back, both as text in base64, with the digest of its state. */
  async carried({ archive }) {
    const checkpoints = await Checkpoints.open({ name: "carried", storage: new DurableObjectDirectory(this.ctx.storage, "carried") });
    await checkpoints.importCheckpoint(Uint8Array.from(atob(archive), (character) => character.charCodeAt(0)));
    const { isDamaged } = await checkpoints.verify();
    const [{ metadata }] = await checkpoints.list();
    const bytes = new Uint8Array(await (await checkpoints.exportCheckpoint()).arrayBuffer());
    await checkpoints.close();
    return { digest: metadata.stateDigest, isDamaged, archive: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
  }

  /** Two writers: the one that was overtaken is fenced. */
  async fenced({ storage }) {
    const [stale, fresh] = [await this.#open(storage), await this.#open(storage)];
    stale.put("who", "stale");
    fresh.put("who", "fresh");
    await fresh.checkpoint();
    const kind = await stale.checkpoint().then(() => "written", (error) => error.kind);
    await stale.close();
    await fresh.close();
    const after = await this.#open(storage);
    return [kind, after.getText("who")];
  }

  async fetch(request) {
    try {
      const { task, ...options } = await request.json();
      return Response.json(await this[task](options));
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  }
}

export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    return env.KEEPER.get(env.KEEPER.idFromName(pathname)).fetch(request);
  },
};
