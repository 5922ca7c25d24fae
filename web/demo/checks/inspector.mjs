// The inspector opens checkpoints, directories and jobs, and shows names as text.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { Checkpoints, fileDirectory } from "../../dist/node.js";
import { verbsOf } from "../drive.mjs";
import { command, flightsFile, plugin } from "./command.mjs";
import { violations } from "./readable.mjs";
import { check, holds, isChromium, same, tally } from "./tally.mjs";

const run = promisify(execFile);
const built = fileURLToPath(new URL("../dist/inspector.html", import.meta.url));
const HOSTILE = "<img src=x onerror=\"globalThis.hacked=1\">";

/** Makes a directory with two checkpoints, in which each name is hostile, and the file of the newer one. */
async function made(folder) {
  const directory = join(folder, "hostile");
  const checkpoints = await Checkpoints.open({
    name: "hostile",
    storage: fileDirectory(directory),
    namespaces: { sums: { merge: "add" }, log: { kind: "ordered", bytes: 1 }, alarms: { kind: "timers" } },
  });
  checkpoints.put(HOSTILE, HOSTILE);
  checkpoints.put("bytes", new Uint8Array([255, 0, 1]));
  checkpoints.putJson("json", { n: 1 });
  // Each of its characters has two bytes, and the limit of what is shown is inside one of them.
  checkpoints.put("long", `x${"é".repeat(3_000)}`);
  for (let at = 0; at < 450; at++) checkpoints.put(`many-${at}`, `${at}`);
  checkpoints.setSourceOffset(HOSTILE, 41);
  checkpoints.setAnnotation("note", HOSTILE);
  await checkpoints.checkpoint();
  checkpoints.putJson("json", { n: 2 });
  checkpoints.put("added", "1");
  checkpoints.delete("many-7");
  checkpoints.namespace("log").put("line", "of the log");
  checkpoints.timers("alarms").set(1234, "wake");
  checkpoints.setSourceOffset(HOSTILE, 42);
  checkpoints.setPosition("parts", "opaque", "p1");
  await checkpoints.checkpoint();
  const file = join(folder, "<b>hostile.tar");
  await writeFile(file, new Uint8Array(await (await checkpoints.exportCheckpoint()).arrayBuffer()));
  await checkpoints.close();
  return { directory, file };
}

/** Runs these checks with the browser of a demo that is open. */
export async function inspector({ demo }) {
  if (!isChromium) {
    tally.skipped++;
    console.log("SKIPPED the inspector: this check needs Chromium");
    return;
  }
  const page = await demo.browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  const { until } = verbsOf(page);
  const text = (id) => page.$eval(`main >>> #${id}`, (element) => element.textContent);
  // The inspector is in a tree of its own.
  await page.evaluateOnNewDocument(() => Object.defineProperty(globalThis, "inspector", { get: () => document.querySelector("main > div").shadowRoot }));
  const folder = join(demo.folder, "inspected");
  await mkdir(folder, { recursive: true });

  /** Opens a file or a folder. Returns what the page says about it. */
  async function opened(input, path, pattern = /is open|cannot be opened/) {
    await page.$eval("main >>> #status", (element) => (element.textContent = ""));
    await (await page.$(`main >>> ${input}`)).uploadFile(path);
    await until((source) => new RegExp(source).test(inspector.querySelector("#status").textContent), pattern.source);
    return text("status");
  }
  const table = (name) => page.$eval(`main >>> [aria-label="${name}"] tbody`, (body) => [...body.rows].map((row) => [...row.cells].map(({ textContent }) => textContent)));
  const select = async (label, value) => {
    const handle = await page.evaluateHandle((label) => [...inspector.querySelectorAll("label")].find((one) => one.textContent.startsWith(label)).querySelector("select, input"), label);
    await handle.evaluate((control, value) => {
      control.value = value;
      control.dispatchEvent(new Event(control.matches("select") ? "change" : "input"));
    }, value);
  };

  try {
    const { directory, file } = await made(folder);
    // It is one file, opened from the disk.
    await page.goto(pathToFileURL(built).href);

    await check("the inspector is one file, and opens a directory with all its checkpoints and namespaces", async () => {
      const said = await opened("#folder", directory);
      holds(said, said.startsWith("hostile is open"));
      same("requests", requests.filter((url) => !url.startsWith("data:")).length, 1);
      const rows = await table("Checkpoints");
      same("checkpoints", rows.map(([id, , keys]) => `${id}: ${keys}`).join(), "2: 456,1: 454");
      same("positions", (await table("Positions of sources")).join(), `${HOSTILE},(whole),42,parts,p1,opaque`);
      same("entries of a page", (await table("Keys and values")).length, 200);
      await select("Keys that begin with", "json");
      same("a value as JSON", (await table("Keys and values")).join(), 'json,{"n":2},11');
      await select("Keys that begin with", "bytes");
      same("a value of bytes", (await table("Keys and values"))[0][1], "ff 00 01");
      await select("Keys that begin with", "long");
      const cut = `x${"é".repeat(2_047)} … (6001 bytes)`;
      for (const form of ["auto", "text", "json"]) {
        await select("Shown as", form);
        same(`a long text, shown as ${form}`, (await table("Keys and values"))[0][1], cut);
      }
      await select("Shown as", "auto");
      await select("Keys that begin with", "");
      for (const [at, expected] of [["2", "line,of the log,14"], ["3", "wake,at 1234 ms,14"]]) {
        await select("Namespace", at);
        same("entries of a namespace", (await table("Keys and values")).join(), expected);
      }
      return `${Math.round((await readFile(built)).length / 1024)} KiB`;
    });

    await check("two checkpoints are compared, with all their namespaces", async () => {
      await page.evaluate(() => [...inspector.querySelectorAll("button")].find(({ textContent }) => textContent === "Compare").click());
      await until(() => inspector.querySelector('[aria-label="Differences"]') !== null);
      const lines = (await table("Differences")).map(([key, space, what]) => `${key} ${space} ${what}`).sort();
      same("differences", lines.join(), "added (default) added,json (default) changed,line log added,many-7 (default) removed,wake alarms added");
    });

    await check("hostile names are text, in the list, in the keys and in errors", async () => {
      await page.evaluate(() => inspector.querySelector('[aria-label="Show checkpoint 1"]').click());
      await until(() => inspector.querySelector(".chosen h2").textContent === "Checkpoint 1");
      await select("Keys that begin with", "<img");
      const [[key, value]] = await table("Keys and values");
      same("key and value", `${key} ${value}`, `${HOSTILE} ${HOSTILE}`);
      holds("the annotation is there", (await table("Checkpoints"))[0].join().includes(`note: ${HOSTILE}`));
      const said = await opened("#file", file);
      holds(said, said.startsWith("<b>hostile.tar is open"));
      same("elements", await page.$$eval("main >>> img, main >>> b", (all) => all.length), 0);
      same("what ran", await page.evaluate(() => typeof globalThis.hacked), "undefined");
    });

    await check("axe finds nothing in the inspector, at both widths and in both colour schemes", async () => {
      await opened("#folder", directory);
      for (const value of ["light", "dark"]) {
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
        for (const width of [390, 1280]) {
          await page.setViewport({ width, height: 900 });
          same(`${value}, ${width}`, await violations(page, until), "");
          const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
          holds(`the page is ${scrolled} wide in a window of ${width}`, scrolled <= width);
        }
      }
    });

    await check("bad files are errors that name the file", async () => {
      const bytes = await readFile(file);
      const cut = join(folder, "cut.tar");
      await writeFile(cut, bytes.subarray(0, bytes.length >> 1));
      const said = await opened("#file", cut);
      holds(said, said.startsWith("cut.tar cannot be opened"));
      const damaged = join(folder, "damaged");
      await cp(directory, damaged, { recursive: true });
      const segments = join(damaged, "segments");
      const [segment] = (await readdir(segments)).sort();
      const content = await readFile(join(segments, segment));
      content[content.length >> 1] ^= 1;
      await writeFile(join(segments, segment), content);
      const found = await opened("#folder", damaged);
      holds(found, found.startsWith("damaged cannot be opened") && found.includes(segment));
      const empty = join(folder, "other");
      await mkdir(empty);
      await writeFile(join(empty, "readme.txt"), "nothing");
      const none = await opened("#folder", empty);
      holds(none, none.startsWith("other cannot be opened"));
    });

    if (existsSync(command) && existsSync(plugin)) {
      await check("the folder of a job shows its parts, and each part its keys", async () => {
        const job = join(folder, "job");
        await run(command, ["cluster", "run", plugin, "--job", job, "--workers", "2", "--epoch-records", "1000", "--input", flightsFile], { maxBuffer: 1 << 26 });
        const said = await opened("#folder", job);
        holds(said, said.startsWith("job is open"));
        const parts = await table("Parts");
        same("keys of the parts", parts.reduce((sum, part) => sum + Number(part[4]), 0), 307);
        for (const [worker, , checkpoint, , keys] of parts) {
          await page.evaluate((worker) => inspector.querySelector(`[aria-label="Show part ${worker}"]`).click(), worker);
          await until((title) => inspector.querySelector("#of-job").textContent.includes(title) && inspector.querySelector(".chosen h2") !== null, parts[Number(worker)][1]);
          same("checkpoint and keys", (await table("Checkpoints"))[0].filter((_, at) => at === 0 || at === 2).join(), `${checkpoint},${keys}`);
        }
        // The files of the first part are slow, and somebody chooses the second one meanwhile.
        await page.evaluate((store) => {
          const { arrayBuffer } = Blob.prototype;
          const gate = new Promise((resolve) => (globalThis.letGo = resolve));
          Blob.prototype.arrayBuffer = async function () {
            if (this.webkitRelativePath?.includes(`parts/${store}/`)) await gate;
            return arrayBuffer.call(this);
          };
          for (const worker of [0, 1]) inspector.querySelector(`[aria-label="Show part ${worker}"]`).click();
        }, parts[0][1]);
        await until(() => inspector.querySelector(".chosen h2") !== null);
        await page.evaluate(async () => {
          globalThis.letGo();
          // The first part has time to appear, if it does.
          await new Promise((resolve) => setTimeout(resolve, 500));
        });
        holds("the title is that of the second part", (await text("of-job")).startsWith(`parts/${parts[1][1]}`));
        same("keys of the second part", (await table("Checkpoints"))[0][2], parts[1][4]);
      });
    } else {
      tally.skipped++;
      console.log(`SKIPPED the inspector of a job: ${existsSync(command) ? plugin : command} is not built`);
    }
    await check("a file is dropped, and a directory is picked where the browser can do it", async () => {
      const content = [...(await readFile(file))];
      await page.$eval("main >>> #status", (element) => (element.textContent = ""));
      await page.evaluate((bytes) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([new Uint8Array(bytes)], "dropped.tar"));
        dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
      }, content);
      await until(() => inspector.querySelector("#status").textContent.startsWith("dropped.tar is open"));

      // The dialog belongs to the browser, so the page gets a handle as the dialog would give it.
      const files = await Promise.all((await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(directory.length + 1), [...(await readFile(path))]];
      }));
      const stub = await page.evaluateOnNewDocument((files) => {
        const handle = (name, entries) => ({
          kind: "directory",
          name,
          async *[Symbol.asyncIterator]() {
            for (const [path, bytes] of entries.filter(([path]) => !path.includes("/"))) yield [path, { kind: "file", getFile: async () => new File([new Uint8Array(bytes)], path) }];
            for (const folder of new Set(entries.filter(([path]) => path.includes("/")).map(([path]) => path.split("/")[0]))) {
              yield [folder, handle(folder, entries.filter(([path]) => path.startsWith(`${folder}/`)).map(([path, bytes]) => [path.slice(folder.length + 1), bytes]))];
            }
          },
        });
        globalThis.showDirectoryPicker = async () => handle("picked", files);
      }, files);
      await page.reload();
      await page.$eval("main >>> #pick", (button) => button.click());
      await until(() => inspector.querySelector("#status").textContent.startsWith("picked is open"));
      same("checkpoints", (await table("Checkpoints")).length, 2);

      await page.removeScriptToEvaluateOnNewDocument(stub.identifier);
      await page.evaluateOnNewDocument(() => delete globalThis.showDirectoryPicker);
      await page.reload();
      holds("the page says that it cannot pick", await page.$eval("main >>> #no-picker", (note) => note.checkVisibility() && note.textContent.includes("File System Access")));
      same("the button", await page.$eval("main >>> #pick", (button) => button.checkVisibility()), false);
    });

    await check("the inspector had no error", () => same("errors", errors.join("\n"), ""));
  } finally {
    await page.close();
    await demo.page.bringToFront();
  }
}
