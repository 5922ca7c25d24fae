// Tests of `alluvium/inspector` in a page that is not ours.

import { same } from "../harness.mjs";

/** It opens everything that it can open, in spite of the page's style, and leaves nothing behind. */
export async function embedded(page) {
  const found = await page.evaluate(async () => {
    const [{ mountInspector }, { memoryDirectory }, { Checkpoints }] = [await import("/testing/inspector/index.js"), await import("/testing/testing/index.js"), alluvium];
    const kindOf = (call) => Promise.resolve().then(call).then(() => "none", (error) => error.kind ?? String(error));
    // What checkpoints are in: a file, a directory, and the open checkpoints of the page.
    const directory = memoryDirectory();
    const checkpoints = await Checkpoints.open({ name: "embedded", storage: directory });
    checkpoints.put("anna", "12");
    checkpoints.setSourceOffset("orders", 1);
    await checkpoints.checkpoint();
    checkpoints.put("bert", "5");
    await checkpoints.checkpoint();
    const file = new File([await checkpoints.exportCheckpoint()], "orders.tar");

    // Rules of the page that would hide the inspector if they reached it.
    const style = document.createElement("style");
    style.textContent = "section, table, label, .scroll { display: none !important } * { color: rgb(1, 2, 3) !important }";
    const element = document.createElement("div");
    element.textContent = "of the page";
    document.head.append(style);
    document.body.append(element);
    const before = [document.documentElement.outerHTML, document.adoptedStyleSheets.length];
    const { open } = Checkpoints;
    const opened = [];
    Checkpoints.open = async (options) => {
      const made = await open.call(Checkpoints, options);
      opened.push(made);
      return made;
    };

    const inspector = mountInspector(element, { open: file, dropTarget: window });
    const root = element.lastChild.shadowRoot;
    const said = () => root.querySelector("#status").textContent;
    const until = async (condition) => {
      for (const end = Date.now() + 60_000; !condition(); ) {
        if (Date.now() > end) throw new Error(`a minute passed before ${condition}: ${root.textContent}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    const table = (name) => [...root.querySelectorAll(`[aria-label="${name}"] tbody tr`)].map(({ cells }) => [...cells].map(({ textContent }) => textContent));
    await until(() => said().startsWith("orders.tar is open"));
    const heading = root.querySelector("h2");
    const ofFile = [table("Checkpoints").length, table("Keys and values"), table("Positions of sources"), heading.getBoundingClientRect().height > 0, getComputedStyle(heading).color !== "rgb(1, 2, 3)"];

    await inspector.open(checkpoints);
    root.querySelector(".differences button").click();
    await until(() => table("Differences").length > 0);
    const ofOpen = [said().split(" is ")[0], table("Checkpoints").map(([id, , keys]) => `${id}: ${keys}`), table("Differences").map(([key, , what]) => `${key} ${what}`)];

    await inspector.open(directory);
    const ofDirectory = table("Keys and values").length;
    const paths = await Promise.all((await directory.list()).filter(([, , kind]) => kind === 0).map(async ([path]) => [path, new Blob([await directory.read(path)])]));
    await inspector.open(new Map(paths));
    const ofPaths = table("Keys and values").length;

    const bad = [await kindOf(() => inspector.open(new File(["nothing"], "bad.tar"))), said().startsWith("bad.tar cannot be opened (corruption)"), table("Checkpoints").length];
    bad.push(await kindOf(() => inspector.open("orders.tar")), await kindOf(() => mountInspector(null)), await kindOf(() => mountInspector(element, { files: [] })));

    // A slow file comes when another one was opened meanwhile, and one more when the inspector is gone.
    const slow = () => {
      const gate = { file: new File([file], "slow.tar") };
      gate.file.arrayBuffer = () => (gate.isRead = true, new Promise((resolve) => (gate.open = () => resolve(file.arrayBuffer()))));
      return gate;
    };
    const late = slow();
    const superseded = inspector.open(late.file);
    await until(() => late.isRead);
    await inspector.open(checkpoints);
    late.open();
    await superseded;
    const afterLate = [said().split(" is ")[0], table("Checkpoints").length];

    // One that is removed at once opens nothing any more.
    const brief = mountInspector(element);
    const opening = brief.open(checkpoints);
    await Promise.all([brief.remove(), opening]);

    const drop = () => !window.dispatchEvent(new DragEvent("dragover", { cancelable: true }));
    const [last, drops] = [slow(), [drop()]];
    const never = inspector.open(last.file);
    await until(() => last.isRead);
    const removing = inspector.remove();
    last.open();
    await Promise.all([never, removing]);
    drops.push(drop());
    Checkpoints.open = open;
    const after = [document.documentElement.outerHTML, document.adoptedStyleSheets.length];
    const kinds = new Set(await Promise.all(opened.map((one) => kindOf(() => one.size))));
    const left = [after[0] === before[0], after[1] === before[1], opened.length > 5, [...kinds], drops, await kindOf(() => inspector.open(file)), checkpoints.size];
    style.remove();
    element.remove();
    await checkpoints.close();
    return { ofFile, ofOpen, ofDirectory, ofPaths, bad, afterLate, left };
  });
  const keys = [["anna", "12", "6"], ["bert", "5", "5"]];
  same("a file", found.ofFile, [1, keys, [["orders", "(whole)", "1"]], true, true]);
  same("open checkpoints", found.ofOpen, ["embedded", ["2: 2", "1: 1"], ["bert added"]]);
  same("a directory, and files by their paths", [found.ofDirectory, found.ofPaths], [2, 2]);
  same("what cannot be opened", found.bad, ["corruption", true, 0, "invalid-input", "invalid-input", "invalid-input"]);
  same("a slow file", found.afterLate, ["embedded", 2]);
  same("what is left behind", found.left, [true, true, true, ["closed"], [true, false], "closed", 2]);
}

/** A server that renders pages may import the entry. */
export async function withoutPage() {
  const { mountInspector } = await import("../../dist/inspector/index.js");
  same("mountInspector", typeof mountInspector, "function");
}
