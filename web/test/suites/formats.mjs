// Tests that all platforms write the same bytes: golden directories, the command line, and files in Node.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { scripts } from "../golden.mjs";
import { Skipped, golden, here, older, root, same } from "../harness.mjs";
import { conformant } from "../pages.mjs";

export async function goldenScript(page, script, files) {
  // Scripts that use files of LaminarDB or a WAL only run natively.
  if (script in scripts) {
    // The script runs here, and must write the bytes that were written natively.
    const found = await page.evaluate(async (script) => {
      window.states ??= {};
      states[script] = JSON.stringify(await golden.replay(alluvium, script));
      const files = await testing.readDatabase(`alluvium/golden-${script}`);
      return files.map(([path, content]) => [path, Array.from(content)]);
    }, script);
    same("names", found.map(([path]) => path), Object.keys(files));
    for (const [path, content] of found) {
      const bytes = Buffer.from(content);
      const at = bytes.findIndex((byte, at) => byte !== files[path][at]);
      const near = (of) => of.subarray(Math.max(0, at - 20), at + 40).toString("latin1");
      if (!bytes.equals(files[path])) throw new Error(`${path} at ${at}: found ${near(bytes)}, expected ${near(files[path])}`);
    }
  }
  await goldenRead(page, script, files);
}

/** Opens a directory that was written natively, and verifies it. */
export async function goldenRead(page, script, files) {
  const listed = Object.entries(files).map(([path, content]) => [path, Array.from(content)]);
  const opened = await page.evaluate(
    async (script, listed) => {
      await (await alluvium.Checkpoints.open({ name: "warm-up", storage: "memory" })).close();
      const contents = listed.map(([, content]) => new Uint8Array(content));
      await testing.writeDatabase(`alluvium/native-${script}`, listed.map(([path]) => path), contents);
      const checkpoints = await alluvium.Checkpoints.open({ name: `native-${script}` });
      const state = JSON.stringify([...checkpoints.entries()].map(([key, value]) => [[...key], [...value]]));
      const report = await checkpoints.verify();
      await checkpoints.close();
      return { damaged: report.isDamaged, checkpoints: report.checkpoints, same: window.states?.[script] === undefined || states[script] === state };
    },
    script,
    listed,
  );
  const count = Object.keys(files).filter((path) => path.endsWith("metadata.json")).length;
  same("the native directory opened", opened, { damaged: false, checkpoints: count, same: true });
}

/** A checkpoint is exported from the browser, imported and exported by the command line, and imported again. */
export async function commandLine(page) {
  const binary = [process.env.ALLUVIUM, ...["release", "debug"].map((kind) => join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), kind, "alluvium"))];
  const alluvium = binary.find((path) => path && existsSync(path));
  const commands = alluvium ? execFileSync(alluvium, ["--help"]).toString() : "";
  if (!["import", "export", "verify"].every((command) => commands.includes(command))) {
    throw new Skipped("no alluvium command with import, export and verify; build it first, or set ALLUVIUM");
  }
  const folder = mkdtempSync(join(tmpdir(), "alluvium-cli-"));
  try {
    const exported = await page.evaluate(async () => {
      const checkpoints = await alluvium.Checkpoints.open({ name: `cli-${Date.now()}` });
      for (let number = 0; number < 100; number++) checkpoints.put(`route-${number}`, `${number}`);
      checkpoints.setSourceOffset("input", 1000);
      await checkpoints.checkpoint();
      const archive = await checkpoints.exportCheckpoint();
      await checkpoints.close();
      return Array.from(new Uint8Array(await archive.arrayBuffer()));
    });
    const [archive, directory, back] = ["out.tar", "run", "back.tar"].map((name) => join(folder, name));
    writeFileSync(archive, Uint8Array.from(exported));
    execFileSync(alluvium, ["import", archive, directory]);
    execFileSync(alluvium, ["verify", directory]);
    execFileSync(alluvium, ["export", directory, back]);
    same("the archive that came back", readFileSync(back).equals(readFileSync(archive)), true);
    const imported = await page.evaluate(async (bytes) => {
      const checkpoints = await alluvium.Checkpoints.open({ name: `cli-back-${Date.now()}` });
      const { sourceOffsets } = await checkpoints.importCheckpoint(new Uint8Array(bytes));
      const found = [Number(sourceOffsets.get("input")), checkpoints.size, checkpoints.getText("route-42")];
      await checkpoints.close();
      return found;
    }, Array.from(readFileSync(back)));
    same("the state that came back", imported, [1000, 100, "42"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the conformance suite on directories of Node, and opens the golden directories with Node. */
export async function nodeFiles() {
  const { default: init, runConformance } = await import("../wasm/alluvium_wasm.js");
  const { Checkpoints, fileDirectory } = await import("../../dist/node.js");
  await init({ module_or_path: readFileSync(join(here, "wasm/alluvium_wasm_bg.wasm")) });
  const folder = mkdtempSync(join(tmpdir(), "alluvium-node-"));
  try {
    const said = conformant(await runConformance("node", "", (name) => fileDirectory(join(folder, name))));
    for (const path of [golden, older].flatMap((root) => readdirSync(root).map((script) => join(root, script)))) {
      const script = basename(path);
      const checkpoints = await Checkpoints.open({ name: script, storage: fileDirectory(path), create: false });
      same(`${script} is damaged`, (await checkpoints.verify()).isDamaged, false);
      await checkpoints.close();
    }
    return said;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
