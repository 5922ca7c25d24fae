// Shows, without the package, why the package keeps no blobs in WebKit. It runs bare strict transactions of one
// blob each, kills the browser at random moments, and reads every blob that a committed record refers to.
// Run `node webkit-blobs.mjs [kills] [browser]`. With `ALLUVIUM_AS=arrays` the same bytes are stored as arrays.
// It exits with 0 if nothing was wrong. Then the rule in wasm/src/browser/indexed_db/content.rs can be removed.

import { fileURLToPath } from "node:url";

import { browsers, kill, launch, missing, moveProfile, profile } from "./browsers.mjs";
import { mailboxes } from "./mailbox.mjs";
import { serve } from "./server.mjs";
import { random } from "./stream.mjs";
import { openTab } from "./tabs.mjs";

const [kills, name] = [Number(process.argv[2] ?? 100), process.argv[3] ?? "webkit"];
const seed = Number(process.env.ALLUVIUM_SEED ?? Date.now() % 1_000_000);
const asBlob = process.env.ALLUVIUM_AS !== "arrays";
const kind = browsers.find((one) => one.name === name && one.path);
if (kind === undefined) {
  console.log(`SKIPPED ${name}: ${missing(browsers.find((one) => one.name === name) ?? { packages: name })}`);
  process.exit(0);
}

/** Runs in the page. Returns what is wrong with the committed records, and continues to write. */
async function checkAndWrite(asBlob, acknowledged) {
  const settled = (target, good, bad) => new Promise((resolve, reject) => ((target[good] = resolve), (target[bad] = () => reject(target.error))));
  const opening = indexedDB.open("bare", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("files");
  await settled(opening, "onsuccess", "onerror");
  const database = opening.result;
  const begin = (mode) => database.transaction("files", mode, { durability: "strict" });
  const reading = begin("readonly");
  const [keys, values] = [reading.objectStore("files").getAllKeys(), reading.objectStore("files").getAll()];
  await settled(reading, "oncomplete", "onabort");
  const lengthOf = (number) => 66_000 + (number % 50) * 100;
  const wrong = [];
  for (const [at, number] of keys.result.entries()) {
    const value = values.result[at];
    const bytes = value instanceof Blob ? new Uint8Array(await value.arrayBuffer().catch(() => new ArrayBuffer(0))) : value;
    const strange = bytes.findIndex((byte) => byte !== number % 251);
    if (bytes.length !== lengthOf(number) || strange >= 0) {
      wrong.push(`record ${number} of ${keys.result.at(-1)}: ${bytes.length} bytes of ${lengthOf(number)}${strange >= 0 ? `, those of ${bytes[strange]} instead of ${number % 251}` : ""}`);
    }
  }
  let number = keys.result.at(-1) ?? 0;
  (async () => {
    for (;;) {
      number++;
      const bytes = new Uint8Array(lengthOf(number)).fill(number % 251);
      const writing = begin("readwrite");
      writing.objectStore("files").put(asBlob ? new Blob([bytes]) : bytes, number);
      writing.objectStore("files").delete(number - 5);
      await settled(writing, "oncomplete", "onabort");
      await fetch(acknowledged, { method: "POST", body: String(number) });
    }
  })().catch(() => {});
  // A damaged record stays damaged. It is removed, so that it is reported only once.
  if (wrong.length > 0) {
    const clearing = begin("readwrite");
    for (const key of keys.result) clearing.objectStore("files").delete(key);
  }
  return { wrong, last: keys.result.at(-1) ?? 0 };
}

let acknowledged = 0;
const mailbox = mailboxes();
const { origin, close } = await serve([["/test/", fileURLToPath(new URL("./", import.meta.url))]], {
  posted(path, body) {
    if (path === "/acknowledged") acknowledged = Math.max(acknowledged, Number(body));
    return mailbox.posted(path, body);
  },
});
mailbox.origin = origin;
const next = random(seed);
const home = await profile();
let [damaged, lost] = [0, 0];
console.log(`${kind.name}, seed ${seed}, ${asBlob ? "blobs" : "arrays"}`);
for (let round = 0; round <= kills; round++) {
  if (round > 0 && kind.browser === "firefox") await moveProfile(home, round);
  const browser = await launch(kind, home.path, { mailbox });
  if (round === 0) console.log(await browser.version());
  const page = await openTab(browser, mailbox, `${origin}/test/bare.html`);
  const { wrong, last } = await page.evaluate(checkAndWrite, asBlob, "/acknowledged");
  if (wrong.length > 0) damaged++;
  if (last < acknowledged) lost++;
  for (const what of wrong) console.log(`after ${round} kills: ${what}, ${acknowledged} acknowledged`);
  await new Promise((resolve) => setTimeout(resolve, 100 + next() * 200));
  await kill(browser);
}
await home.discard();
close();
console.log(`${kills} kills, ${acknowledged} transactions acknowledged: ${lost} times one of them was lost, ${damaged} times a committed record had another content`);
process.exit(damaged + lost === 0 ? 0 : 1);
