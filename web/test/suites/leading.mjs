// Tests of leaders that are killed: tabs, dedicated workers and SharedWorkers. Another one opens the same checkpoints, and
// no reader misses what was committed.

import { same } from "../harness.mjs";
import { open } from "../pages.mjs";
import { acknowledged } from "../site.mjs";

/** Runs a function in a page with the readers that it has. */
const ask = (tab, what, ...args) => tab.evaluate(what, ...args);

const join = async (browser, name) => {
  const tab = await open(browser);
  await ask(tab, async (name) => void (window.part = (await import("/test/leading.mjs")).join(name)), name);
  return tab;
};

/** Waits until every reader has seen so many notices of the current generation, and checks that none of them is wrong. */
async function following(tabs, generations) {
  for (const tab of tabs) {
    const seen = await ask(
      tab,
      async (generations) => {
        const end = Date.now() + 60_000;
        while ((part.seen.generations.length < generations || part.seen.notices < 10) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
        return part.seen;
      },
      generations,
    );
    same("what is wrong with the notices", seen.problems, []);
    if (seen.generations.length < generations || seen.notices < 10) throw new Error(`within a minute: ${seen.notices} notices of generation ${seen.generations.length}`);
  }
}

/** Reads a round while somebody is killed. Returns it, and how long that took. */
async function readMeanwhile(tab, kill) {
  // The question is in the page before the kill, and is asked until the answer is that of another generation.
  const reading = ask(tab, async () => {
    const generation = part.client.status.getSnapshot() === "connected" ? part.seen.generations.at(-1) : undefined;
    const started = performance.now();
    for (;;) {
      const round = await part.round();
      if (part.seen.generations.at(-1) !== generation) return { round, ms: performance.now() - started };
    }
  });
  await kill();
  return reading;
}

const leaderOf = async (tabs) => {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    for (const tab of tabs) if (await ask(tab, () => part.leading.isLeading)) return tab;
  }
  throw new Error("a minute passed, and no tab leads");
};

/** Ends a tab as a crash does, if the browser can do that, or by closing it. */
async function crash(tab) {
  const session = await tab.page.createCDPSession();
  const crashed = new Promise((resolve) => tab.page.once("error", resolve));
  session.send("Page.crash").catch(() => {});
  await crashed;
}

/** Three tabs: the leader crashes, closes, and ends in an orderly way. */
export async function leadingTabs(kind, browser) {
  const name = `leading-${kind.name}`;
  acknowledged.set(name, 0);
  let tabs = [];
  for (let count = 0; count < 3; count++) tabs.push(await join(browser, name));
  await following(tabs, 1);
  const notes = [];
  for (const ending of [...(kind.browser === "chrome" ? ["crash"] : []), "close", "orderly"]) {
    const leader = await leaderOf(tabs);
    const others = tabs.filter((tab) => tab !== leader);
    const committed = acknowledged.get(name);
    let left;
    const { round, ms } = await readMeanwhile(others[0], async () => {
      if (ending === "crash") return crash(leader);
      if (ending === "close") return leader.close();
      left = await ask(leader, async () => {
        await part.leading.close();
        return lastOfWork;
      });
    });
    if (round < committed) throw new Error(`${ending}: round ${committed} was committed, and the next leader has ${round}`);
    // A leader that is closed takes a last checkpoint, so that nothing of its work is lost: no round is done again.
    if (ending === "orderly") {
      const entry = await ask(others[1], (round) => part.entryOf(round), left.round);
      same(`the entry of round ${left.round}`, entry, left.entry);
    }
    notes.push(`${ending} ${Math.round(ms)} ms`);
    await following(others, 2);
    if (ending !== "close") await leader.close().catch(() => {});
    const joined = await join(browser, name);
    await following([joined], 1);
    // The others have seen two generations, and this one begins to count.
    for (const tab of others) await ask(tab, () => void (part.seen.generations = part.seen.generations.slice(-1)));
    tabs = [...others, joined];
  }
  // An error of the leader comes back to a tab that follows.
  await ask(tabs[1], () => part.client.namespace("nothing").get("a").then(() => "found", (error) => error.kind)).then((found) => same("an error of the leader", found, "not-found"));
  for (const tab of tabs) await tab.close();
  acknowledged.delete(name);
  return notes.join(", ");
}

/** A worker of one tab leads and is terminated. The worker of another tab takes over. */
export async function leadingWorkers(kind, browser) {
  const name = `workers-${kind.name}`;
  acknowledged.set(name, 0);
  const tabs = [await open(browser), await open(browser)];
  for (const tab of tabs) {
    await ask(
      tab,
      async (name) => {
        const [{ watch }, { connect }] = [await import("/test/leading.mjs"), await import("/testing/client/index.js")];
        window.worker = new Worker("/test/leading-worker.mjs", { type: "module", name });
        window.part = watch(connect(name));
      },
      name,
    );
  }
  await following(tabs, 1);
  const leads = (tab) => ask(tab, () => new Promise((resolve) => ((worker.onmessage = ({ data }) => resolve(data)), worker.postMessage(""))));
  const [first, second] = (await leads(tabs[0])) ? tabs : [tabs[1], tabs[0]];
  const committed = acknowledged.get(name);
  const { round, ms } = await readMeanwhile(second, () => ask(first, () => worker.terminate()));
  if (round < committed) throw new Error(`round ${committed} was committed, and the next leader has ${round}`);
  await following(tabs, 2);
  same("the other worker leads", await leads(second), true);
  for (const tab of tabs) await tab.close();
  acknowledged.delete(name);
  return `${Math.round(ms)} ms`;
}

/** Two tabs read through a SharedWorker that dies. They start the next one. */
export async function sharedWorkers(kind, browser) {
  const name = `shared-${kind.name}`;
  acknowledged.set(name, 0);
  const tabs = [await open(browser), await open(browser)];
  for (const tab of tabs) await ask(tab, async (name) => void (window.part = (await import("/test/leading.mjs")).shared(name)), name);
  await following(tabs, 1);
  const committed = acknowledged.get(name);
  const { round, ms } = await readMeanwhile(tabs[1], () => ask(tabs[0], (name) => new SharedWorker("/test/shared-worker.mjs", { type: "module", name }).port.postMessage("die"), name));
  if (round < committed) throw new Error(`round ${committed} was committed, and the next worker has ${round}`);
  await following(tabs, 2);
  for (const tab of tabs) await tab.close();
  acknowledged.delete(name);
  return `${Math.round(ms)} ms`;
}

/** After a worker is terminated, the second port is not served, as that of a SharedWorker that is ending. */
export async function deadPorts(browser) {
  const page = await open(browser);
  const found = await ask(page, async () => {
    const { connect, text } = await import("/testing/client/index.js");
    const workers = [];
    let ports = 0;
    const connected = () => {
      const { port1, port2 } = new MessageChannel();
      if (++ports !== 2) {
        workers.push(new Worker("/test/serving-worker.mjs", { type: "module" }));
        workers.at(-1).postMessage(String(ports), [port2]);
      }
      return port1;
    };
    const client = connect(connected, { codec: text });
    const before = await client.get("port");
    workers[0].terminate();
    // What is read before the other side is missed is asked again.
    const isOther = async () => (await client.get("port")) !== before;
    for (const end = Date.now() + 60_000; !(await isOther()) && Date.now() < end; );
    const after = await client.get("port");
    client.close();
    workers.forEach((worker) => worker.terminate());
    return [before, after, ports];
  });
  same("the port that is served", found, ["1", "3", 3]);
  await page.close();
}

/** Leaders that cannot open, cannot work, are taken over by somebody else, or are closed while they wait. */
export async function refusedLeaders(kind, browser) {
  const page = await open(browser);
  const found = await ask(page, async (name) => {
    const { lead, text } = await import("/testing/client/index.js");
    const [found, errors] = [[], []];
    const onError = (error) => errors.push(error.kind ?? error.message);
    const open = (signal) => alluvium.Checkpoints.open({ name, whenTaken: "wait", signal });
    const broken = lead({ name, onError, open: async () => Promise.reject(new Error("cannot open")) });
    const second = lead({ name, onError, codec: text, open, onLead: () => Promise.reject(new Error("cannot work")) });
    await second.client.put("a", "1");
    found.push(broken.isLeading, second.isLeading, ...errors.splice(0));
    // Somebody who does not take part takes the storage. The leader waits until it is free again.
    const thief = await alluvium.Checkpoints.open({ name, whenTaken: "steal" });
    for (const end = Date.now() + 60_000; second.isLeading && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 5));
    found.push(second.isLeading, ...errors.splice(0));
    const reading = second.client.get("a");
    thief.put("a", "2");
    await thief.checkpoint();
    await thief.close();
    found.push(await reading, second.isLeading, ...errors.splice(0));
    // These two end while they wait: for their turn, and for the storage.
    const third = lead({ name, onError, open });
    await third.close();
    await second.close();
    const holder = await open();
    let isOpening = () => {};
    const opening = new Promise((resolve) => (isOpening = resolve));
    const fourth = lead({ name, onError, open: (signal) => (isOpening(), open(signal)) });
    await opening;
    await fourth.close();
    await broken.close();
    await holder.close();
    // What this one opens has ended before it can lead.
    const stillborn = lead({ name: `${name}-ended`, onError, open: async () => {
      const checkpoints = await alluvium.Checkpoints.open({ name: `${name}-ended` });
      await checkpoints.close();
      return checkpoints;
    } });
    for (const end = Date.now() + 60_000; errors.length === 0 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 5));
    found.push(stillborn.isLeading);
    await stillborn.close();
    // The last checkpoint waits for one that is under way.
    const busy = lead({ name: `${name}-busy`, onError, open: () => alluvium.Checkpoints.open({ name: `${name}-busy`, whenBusy: "fail", maxInFlight: 1 }), onLead: (checkpoints) => void (globalThis.leading = checkpoints) });
    await busy.client.put("a", "1");
    const under = globalThis.leading.checkpoint();
    await busy.client.put("a", "2");
    await Promise.all([busy.close(), under]);
    const after = await alluvium.Checkpoints.open({ name: `${name}-busy` });
    found.push(after.getText("a"));
    await after.close();
    return [...found, third.isLeading, fourth.isLeading, ...errors, await broken.client.get("a").catch((error) => error.kind)];
  }, `refused-${kind.name}`);
  same("what happened", found, [false, true, "cannot open", "cannot work", false, "fenced", "2", true, "cannot work", false, "2", false, false, "closed", "closed"]);
  await page.close();
}
