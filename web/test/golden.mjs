// The scripts of the golden directories (tests/src/golden.rs), run on the package. The bytes that they write
// must be those that were written natively.

const START_MS = 1_767_225_600_000;
const storeId = new TextEncoder().encode("alluvium-testing");
const writer = new TextEncoder().encode("golden-1");

/** A clock that only moves when `advanceMs` is called. */
function manualClock() {
  let passedMs = 0;
  return {
    unixMs: () => START_MS + passedMs,
    monotonicUs: () => passedMs * 1000,
    advanceMs: (ms) => void (passedMs += ms),
  };
}

/** Runs a script and then a garbage collection, as the native recorder does. Returns the final state. */
async function record(alluvium, name, options, script) {
  const clock = manualClock();
  const open = () => alluvium.Checkpoints.open({ name, storeId, writer, clock, ...options });
  let checkpoints = await open();
  const at = (epoch) => {
    checkpoints.epoch = epoch;
    checkpoints.setSourceOffset("input", epoch * 1000);
    checkpoints.setWatermark(epoch * 60_000);
  };
  const checkpoint = async (walPosition) => {
    clock.advanceMs(1250);
    await checkpoints.checkpoint({ walPosition });
  };
  await script({ checkpoints, clock, at, checkpoint });
  await checkpoints.close();
  checkpoints = await open();
  await checkpoints.collectGarbage();
  const state = [...checkpoints.entries()].map(([key, value]) => [[...key], [...value]]);
  await checkpoints.close();
  return state;
}

async function deltas({ checkpoints, at, checkpoint }) {
  for (let number = 0; number < 40; number++) {
    checkpoints.put(`key-${String(number).padStart(4, "0")}`, `value ${number} of the first epoch`);
  }
  at(1);
  await checkpoint(10);
  checkpoints.setAnnotation("operator", 'a "quoted" name');
  checkpoints.put("key-0003", "same size does not matter");
  checkpoints.put("key-0004", "");
  checkpoints.delete("key-0005");
  at(2);
  await checkpoint(20);
  checkpoints.put("passing", "by");
  checkpoints.delete("passing");
  checkpoints.put("key-0005", "back again");
  checkpoints.put("binary \u{1f30a}", "\u{0}\u{1}\u{7f}");
  at(3);
  await checkpoint(30);
  at(4);
  await checkpoint(40);
  checkpoints.delete("key-0039");
  checkpoints.delete("never there");
  at(5);
  await checkpoint(50);
}

/** Each script with its options, by the name of its directory. */
export const scripts = {
  small: [
    { maxRetained: 3 },
    async ({ checkpoints, at, checkpoint }) => {
      checkpoints.put("AA:JFK-LAX", '{"flights":1}');
      checkpoints.put("UA:EWR-IAH", '{"flights":2}');
      checkpoints.put("", "empty key");
      checkpoints.put("empty value", "");
      at(1);
      await checkpoint(100);
    },
  ],
  deltas: [{ maxRetained: 10 }, deltas],
  full: [{ maxRetained: 3, incremental: false }, deltas],
  rebased: [
    { maxRetained: 2, recoveryReadRatio: 1.1 },
    async ({ checkpoints, at, checkpoint }) => {
      for (let number = 0; number < 150; number++) {
        checkpoints.put(`route-${String(number).padStart(3, "0")}`, String(number).padStart(40));
      }
      at(1);
      await checkpoint(512);
      for (let epoch = 2; epoch <= 6; epoch++) {
        checkpoints.put(`bulk-${epoch}`, "~".repeat(52_300));
        checkpoints.delete(`bulk-${epoch - 1}`);
        checkpoints.delete(`route-${String(epoch * 11).padStart(3, "0")}`);
        at(epoch);
        await checkpoint(epoch * 512);
      }
      checkpoints.delete("bulk-6");
      checkpoints.put("route-000", "-".repeat(600));
      at(7);
      await checkpoint(7 * 512);
      for (let epoch = 8; epoch <= 10; epoch++) {
        checkpoints.put(`route-${String(epoch).padStart(3, "0")}`, String(epoch));
        at(epoch);
        await checkpoint(epoch * 512);
      }
    },
  ],
  merged: [
    { maxRetained: 2 },
    async ({ checkpoints, at, checkpoint }) => {
      for (let epoch = 1; epoch <= 40; epoch++) {
        checkpoints.put(`key ${epoch % 7}`, `epoch ${epoch}`);
        checkpoints.delete(`key ${epoch % 5}`);
        at(epoch);
        await checkpoint(epoch);
      }
    },
  ],
  opaque: [
    { maxRetained: 3 },
    async ({ checkpoints, clock }) => {
      for (let epoch = 1; epoch <= 2; epoch++) {
        checkpoints.put("live", `beside the opaque bytes, ${epoch}`);
        checkpoints.epoch = epoch;
        clock.advanceMs(1250);
        await checkpoints.checkpointWithState(new TextEncoder().encode(`opaque bytes of epoch ${epoch}\n`), {
          walPosition: (1n << 60n) + BigInt(epoch),
          sourceOffsets: [["source-a", epoch * 100], ["source-b", (1n << 64n) - 1n]],
          watermark: -5,
        });
      }
    },
  ],
  deleted: [
    { maxRetained: 10 },
    async ({ checkpoints, at, checkpoint }) => {
      for (let epoch = 1; epoch <= 3; epoch++) {
        checkpoints.put("epoch", String(epoch));
        at(epoch);
        await checkpoint(epoch);
      }
      await checkpoints.deleteCheckpoint(3);
    },
  ],
  restored: [
    { maxRetained: 10 },
    async ({ checkpoints, at, checkpoint }) => {
      for (let epoch = 1; epoch <= 3; epoch++) {
        checkpoints.put("epoch", String(epoch));
        checkpoints.put(`only ${epoch}`, "here");
        at(epoch);
        await checkpoint(epoch);
      }
      await checkpoints.restore(1);
      checkpoints.put("after", "the restore");
      at(9);
      await checkpoint(9);
    },
  ],
};

/** Runs one script on IndexedDB and returns its final state. */
export function replay(alluvium, name) {
  const [options, script] = scripts[name];
  return record(alluvium, `golden-${name}`, options, script);
}
