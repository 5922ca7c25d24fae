// A page reads a stream of a server into its state. The whole browser is killed again and again, and the
// server is killed and started again twice. Afterwards the page has every record exactly once.

import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { browsers, kill, launch, moveProfile, profile } from "../../browsers.mjs";
import { same, seed, until } from "../../harness.mjs";
import { mailboxes } from "../../mailbox.mjs";
import { serve } from "../../server.mjs";
import { random } from "../../stream.mjs";
import { appended, durableServer } from "../durable.mjs";
import { bundled, project, written } from "../project.mjs";

const { ALLUVIUM_EDGE_KILLS: asked } = process.env;
/** How often each browser is killed. The others start slowly. About one start of WebKitGTK in 600 hangs, so it is asked for. */
const KILLS = { chromium: Number(asked ?? 10), firefox: Math.ceil(Number(asked ?? 10) / 5), webkit: Math.ceil(Number(asked ?? 0) / 5) };
/** The records that are appended between two kills. */
const RECORDS = 120;

/** What one visit told. */
class Visit {
  recovered;
  durable = 0;
  complete;
  closed = false;

  hear({ recovered, isDamaged, durable, complete, closed, error }) {
    if (error !== undefined || isDamaged) this.error ??= new Error(error ?? "the checkpoints are damaged");
    this.recovered ??= recovered;
    this.durable = Math.max(this.durable, durable ?? 0);
    this.complete ??= complete;
    this.closed ||= closed === true;
  }

  /** Waits until something was told. An error of the page ends the waiting. */
  async until(what, holds) {
    await until(what, () => this.error !== undefined || holds(this));
    if (this.error !== undefined) throw this.error;
  }
}

/** The browsers that are killed. */
export const readers = browsers.filter(({ name }) => KILLS[name] > 0);

export async function killedPage(kind) {
  const kills = KILLS[kind.name];
  await bundled({ entryPoints: [fileURLToPath(new URL("../reader.mjs", import.meta.url))], nodePaths: [join(project, "node_modules")], format: "esm", outfile: "reader.out.js", loader: { ".wasm": "file" } });
  written("reader.html", '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="reader.out.js"></script>');
  const next = random(seed + 17);
  const visits = [];
  const mailbox = mailboxes();
  const posted = (path, body) => {
    if (path !== "/told") return mailbox.posted(path, body);
    const { visit, ...what } = JSON.parse(body);
    visits[visit]?.hear(what);
  };
  const site = await serve([["/test/", fileURLToPath(new URL("../../", import.meta.url))], ["/", project]], { posted });
  mailbox.origin = site.origin;
  const data = mkdtempSync(join(project, "streams-"));
  let server = await durableServer(data);
  const url = `http://127.0.0.1:${server.port}/orders`;
  const home = await profile();
  const total = RECORDS * (kills + 1);
  let browser;
  const begun = async (of) => {
    const visit = new Visit();
    const query = new URLSearchParams({ visit: visits.push(visit) - 1, url, total: of, live: visits.length % 2 === 0 ? "sse" : "long-poll" });
    if (kind.browser === "firefox" && visits.length > 1) await moveProfile(home, visits.length);
    browser = await launch(kind, home.path, { mailbox });
    await (await browser.newPage()).goto(`${site.origin}/reader.html?${query}`);
    await visit.until("the page recovered", ({ recovered }) => recovered !== undefined);
    return visit;
  };
  let [durable, restarts] = [0, 0];
  try {
    // Chromium keeps the storage of an origin only after a first visit that ended (see kills.mjs).
    await (await begun(0)).until("the first visit ended", ({ closed }) => closed);
    await browser.close();
    for (let round = 0; round < kills; round++) {
      await appended(url, round * RECORDS, (round + 1) * RECORDS);
      const visit = await begun(total);
      if (visit.recovered < durable) throw new Error(`seed ${seed}, after ${round} kills: ${durable} records were durable, ${visit.recovered} were recovered`);
      // The server is killed while the page reads, and the page continues by itself.
      if (round === Math.floor(kills / 3) || round === Math.floor((2 * kills) / 3)) {
        await server.kill();
        server = await durableServer(data, server.port);
        restarts++;
      }
      if (round % 4 !== 3) await visit.until("another checkpoint was durable", (now) => now.durable > visit.recovered);
      await new Promise((resolve) => setTimeout(resolve, next() * 60));
      await kill(browser);
      durable = Math.max(durable, visit.durable);
    }
    await appended(url, kills * RECORDS, total);
    const last = await begun(total);
    await last.until("all records were applied", ({ complete }) => complete !== undefined);
    same("records", last.complete, total);
    same("records after a reload", await browser.close().then(() => begun(total)).then(({ recovered }) => recovered), total);
    return `seed ${seed}: ${kills} kills, ${restarts} restarts of the server, ${total} records, each once`;
  } finally {
    if (browser) await kill(browser);
    await server.kill();
    await home.discard();
    site.close();
  }
}
