// A larger state, and the other storage.

import { check, equal, holds, pause, random } from "./tally.mjs";

/** Runs these checks on a demo that is open. */
export async function storages({ demo, choose, compared, startOver }) {
  const { page } = demo;

  await check("the firehose: a checkpoint writes only what changed, also after kills", async () => {
    await choose("source", "firehose-20000");
    await demo.set({ rate: 200_000, every: 500_000 });
    await startOver();
    await demo.records(400_000);
    await demo.set({ rate: 5_000, every: 500 });
    const begun = await demo.number("records");
    await demo.records(begun + 5_000);
    equal(await demo.kill());
    const recovered = await demo.number("records");
    await demo.until((least) => Number(document.querySelector("#checkpoint-rows tr")?.dataset.records) >= least, recovered + 10_000);
    // One of these checkpoints may include a compacted file of at least 1 MiB, which is most of so small a state.
    // At least half of them never do.
    const shares = (await demo.rows()).filter(({ records }) => records > recovered).map(({ share }) => Math.round(100 * share));
    holds(`${shares.length} kept checkpoints after the recovery`, shares.length >= 3);
    const median = shares.toSorted((a, b) => a - b)[Math.floor(shares.length / 2)];
    holds(`checkpoints of 500 records over 20,000 keys wrote ${shares.join(", ")} % of the state`, median <= 25);
    return `${shares.join(", ")} % of the state`;
  });

  await check("the origin private file system survives kills", async () => {
    holds("it is offered", await page.$eval("#storage option[value=opfs]", (option) => !option.disabled));
    await choose("source", "flights");
    await choose("storage", "opfs");
    await demo.set({ rate: 5_000, every: 500 });
    await startOver();
    await demo.records(1_000);
    const offsets = [];
    for (let kill = 0; kill < 5; kill++) {
      await pause(30 + random() * 200);
      offsets.push(equal(await demo.kill()));
    }
    await demo.until(() => document.querySelectorAll("#checkpoint-rows tr[data-id]").length > 1);
    // The stream stands still, so that no checkpoint is deleted while it is compared.
    await demo.press("#pause");
    await demo.until(() => document.querySelector("#state").dataset.state === "paused");
    await compared();
    await demo.press("#pause");
    return `recovered at ${offsets.join(", ")}`;
  });
}
