// Tests of engines and pages that end: panics, traps and reloads.

import { same, seed } from "../harness.mjs";
import { open } from "../pages.mjs";
import { random } from "../stream.mjs";

export async function panics(browser) {
  const page = await open(browser);
  const outcome = await page.evaluate(async () => {
    const checkpoints = await alluvium.Checkpoints.open({ name: "panics" });
    checkpoints.put("a", "stored");
    await checkpoints.checkpoint();
    const changes = checkpoints.changes();
    checkpoints.put("b", "not stored");
    const flight = checkpoints.checkpoint().then(() => "written", (error) => error.kind);
    const logged = [];
    const log = console.error;
    console.error = (text) => logged.push(text);
    // The panic happens in a later task, so the trap rejects no promise that is awaited.
    testing.panicNow(true).catch(() => {});
    // If the checkpoint was durable before the panic, it is acknowledged, and the panic is still to come.
    const kinds = [await flight];
    while (logged.length === 0) await new Promise((resolve) => setTimeout(resolve));
    console.error = log;
    const messages = [];
    // The change was told, and then the end.
    kinds.push((await changes.next()).value.changes.length, await changes.next().catch((error) => error.kind));
    for (const call of [() => checkpoints.put("a", "c"), () => checkpoints.get("a"), () => [...checkpoints]]) {
      try {
        call();
        kinds.push("none");
      } catch (error) {
        kinds.push(error.kind);
        messages.push(error.message, error.cause.message);
      }
    }
    await checkpoints.close();
    const again = await alluvium.Checkpoints.open({ name: "panics" });
    kinds.push(again.getText("a"), (await again.verify()).isDamaged);
    again.put("a", "again");
    await again.checkpoint();
    await again.close();
    return { kinds, logged, messages };
  });
  const { kinds, logged, messages } = outcome;
  // The text and the place of the panic are in the console, and in every error that follows.
  for (const text of [...logged, ...messages]) {
    if (!/panicked at .*testing\.rs:\d+:\d+:\sa panic on purpose/.test(text)) throw new Error(`no text of the panic in: ${text}`);
  }
  same("lines in the console", logged.length, 1);
  // The checkpoint in flight may or may not have become durable before the panic. Its promise settles in both cases.
  if (!["panic", "written"].includes(kinds[0])) throw new Error(`in flight: ${kinds[0]}`);
  same("after a panic", kinds.slice(1), [1, "panic", "panic", "panic", "panic", "stored", false]);
  await page.close();
}

/** A failed fetch of the engine fails the opens that wait for it, and no later one. */
export async function unfetched(browser) {
  const page = await open(browser);
  const found = await page.evaluate(async () => {
    const fetched = window.fetch;
    const attempt = () => alluvium.Checkpoints.open({ name: "unfetched" }).then((checkpoints) => checkpoints.close().then(() => "opened"), (error) => `${error.kind}: ${error.message}`);
    const wrong = [() => Promise.reject(new TypeError("no network")), async () => new Response("gone", { status: 404 }), async () => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } })];
    const found = [];
    for (const answer of wrong) {
      window.fetch = (address, ...rest) => (String(address).endsWith(".wasm") ? answer() : fetched(address, ...rest));
      found.push(...(await Promise.all([attempt(), attempt()])));
    }
    window.fetch = fetched;
    found.push(await attempt(), await attempt());
    return found;
  });
  same("after failed fetches", found.map((text) => text.split(":")[0]), [...Array(6).fill("io"), "opened", "opened"]);
  if (!found.slice(0, 6).every((text) => text.includes("the engine could not be loaded"))) throw new Error(found.join("\n"));
  await page.close();
}

/** An error in a later task of a call rejects no promise by itself. The call must settle all the same. */
export async function traps(browser) {
  const page = await open(browser);
  const outcome = await page.evaluate(async () => {
    const checkpoints = await alluvium.Checkpoints.open({ name: "traps", ...stream.breaking() });
    checkpoints.put("a", "b");
    const kinds = [await checkpoints.checkpoint().then(() => "written", (error) => error.kind)];
    kinds.push(await checkpoints.list().then(() => "listed", (error) => error.kind));
    await checkpoints.close();
    const again = await alluvium.Checkpoints.open({ name: "traps" });
    again.put("a", "again");
    const waiting = again.importCheckpoint(new Uint8Array(10)).catch((error) => error.kind);
    kinds.push(await waiting);
    // The page gets an error event for a trap that rejects no promise. The package's listener runs first.
    const told = new Promise((resolve) => addEventListener("error", resolve, { once: true }));
    // This runs unreachable code, as the engine does when memory runs out.
    testing.trapLater().catch(() => {});
    await told;
    kinds.push(await again.list().then(() => "listed", (error) => error.kind));
    return kinds;
  });
  same("after a trap", outcome, ["panic", "panic", "corruption", "panic"]);
  await page.close();
}

export async function reloads(browser) {
  const page = await open(browser);
  const next = random(seed + 1);
  let least = 0;
  for (let round = 0; round < 12; round++) {
    const problem = await page.evaluate(
      async (seed, least) => {
        const checkpoints = await alluvium.Checkpoints.open({ name: "reloads", whenTaken: "wait" });
        const problem = stream.wrong(checkpoints, seed, least);
        stream.run(alluvium, checkpoints, seed, (number) => sessionStorage.setItem("last", number)).catch(() => {});
        return problem;
      },
      seed,
      least,
    );
    same(`round ${round}`, problem, undefined);
    await new Promise((resolve) => setTimeout(resolve, 20 + next() * 150));
    await page.reload();
    least = Number(await page.evaluate(() => sessionStorage.getItem("last")));
  }
  await page.close();
  if (least < 12) throw new Error(`only ${least} batches in 12 rounds`);
  return `12 reloads, ${least} batches`;
}
