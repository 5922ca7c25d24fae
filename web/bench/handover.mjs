// How long no tab answers when a tab that leads is killed: from the kill until another tab has opened the checkpoints and
// answers a first read.

const ROUNDS = 5;
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function tab(browser, origin, entries) {
  const page = await browser.newPage();
  await page.goto(`${origin}/bench/handover.html?entries=${entries}`);
  await page.waitForFunction(() => window.leading !== undefined);
  return page;
}

/** Kills the renderer of a page. Returns when that was, in milliseconds of Unix time. */
async function killed(page) {
  const session = await page.createCDPSession();
  const gone = new Promise((resolve) => page.once("error", resolve));
  const at = performance.timeOrigin + performance.now();
  session.send("Page.crash").catch(() => {});
  await gone;
  return at;
}

/** Returns the median time of some hand-overs, in milliseconds. Each one is from the tab that leads to one that waits. */
export async function handover(browser, origin, entries) {
  let leader = await tab(browser, origin, entries);
  await leader.waitForFunction(() => window.isFilled === true, { timeout: 120_000 });
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const follower = await tab(browser, origin, entries);
    const reading = follower.evaluate(() => firstRead());
    await follower.waitForFunction(() => window.isReading === true);
    const at = await killed(leader);
    times.push((await reading) - at);
    await leader.close().catch(() => {});
    leader = follower;
  }
  await leader.close();
  return median(times);
}
