// A state that another version of an operator has left, and what brings it to the present one.

import assert from "node:assert/strict";
import { readFileSync, rmSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { Harness, MapState, Refusal, integer, key, record, text, timers } from "../src/index.js";

/** Loads a plugin, whose package is the one here. */
async function plugin(context, name) {
  const source = readFileSync(new URL(`../../../plugins/javascript/${name}.js`, import.meta.url), "utf8");
  const folder = mkdtempSync(join(tmpdir(), "alluvium-migration-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, `${name}.mjs`);
  const here = new URL("../src/index.js", import.meta.url).href;
  writeFileSync(path, source.replace('"alluvium-plugin"', JSON.stringify(here)));
  return (await import(pathToFileURL(path).href)).default;
}

/** Flights of this number of carriers, from a number on, as CSV. */
const flights = (carriers, from, count) =>
  `carrier,distance\n${Array.from({ length: count }, (_, at) => `C${((from + at) * 7) % carriers},${(from + at) % 90}\n`).join("")}`;

const values = (harness, namespace = "totals") =>
  harness.entries(namespace).map(([, value]) => new TextDecoder().decode(value));

test("a state of version 1 is continued by version 2", async (context) => {
  const [version1, version2] = [await plugin(context, "carriers_1"), await plugin(context, "carriers")];
  // More carriers than a page of entries has.
  for (const carriers of [3, 2500]) {
    const [whole, migrated] = [new Harness(version2), new Harness(version1)];
    for (let batch = 0; batch < 6; batch += 1) {
      const records = flights(carriers, batch * 1000, 1000);
      whole.feed(records);
      migrated.feed(records);
      migrated.checkpoint();
      if (batch === 2) {
        assert.match(values(migrated)[0], /^\[/);
        // What came after the checkpoint is lost, and would be fed again.
        migrated.feed("carrier,distance\nlost,1\n");
        migrated.migrate(version2);
      }
      migrated.crash();
    }
    assert.deepEqual(migrated.entries("totals"), whole.entries("totals"));
    assert.deepEqual(migrated.emitted(), whole.emitted());
    assert.throws(() => migrated.migrate(version2), { message: "the state is of schema version 2 already" });
  }
});

const totals = new MapState("totals", text, integer);

/** Version 3, with what a test gives it. */
const version3 = (more) => () => ({
  describe: () => ({ name: "carriers", schemaVersion: 3, inputs: ["f"], outputs: ["f", "g"], namespaces: [totals] }),
  begin() {},
  process() {},
  ...more,
});

test("a migration that fails changes nothing", async (context) => {
  const [version1, version2] = [await plugin(context, "carriers_1"), await plugin(context, "carriers")];
  const harness = new Harness(version1);
  harness.feed("carrier,distance\nUA,7\n");
  harness.checkpoint();
  const numbered = new MapState("totals", key(integer, integer), integer);
  const migrating = (migrate) => version3({ migrate });
  const cases = [
    [version3({}), "the operator does not know a state of schema version 1"],
    [
      migrating((from) => {
        throw new Refusal(`version ${from} is not known`);
      }),
      "version 1 is not known",
    ],
    [migrating((_from, context) => void totals.entries(context)), /^totals: a value of another type/],
    [migrating((_from, context) => void numbered.entries(context)), "totals: a key of another type"],
    [
      migrating((_from, context) => {
        totals.set("UA", 1, context);
        context.emit(1, text, "a line");
      }),
      "it emitted something: only a batch may",
    ],
    [
      version3({
        migrate() {},
        open() {
          throw new Refusal("it does not open");
        },
      }),
      "it does not open",
    ],
    [
      version3({
        describe: () => ({ name: "carriers", schemaVersion: 3, inputs: ["f"], namespaces: [timers("totals")] }),
        migrate() {},
      }),
      /^namespace "totals" is declared as .*"hashed".*, and cannot become .*"timers"/,
    ],
    [migrating(async () => {}), "migrate of an operator answers at once: it cannot be async"],
    [version3({ migrate: 1 }), "migrate of an operator is a method, and not 1"],
  ];
  for (const [made, message] of cases) {
    assert.throws(() => harness.migrate(made), { message });
    assert.deepEqual(values(harness), ["[1,7]"]);
  }
  // The old version continues.
  harness.feed("carrier,distance\nUA,7\n");
  harness.checkpoint();
  assert.deepEqual(values(harness), ["[2,14]"]);
  harness.migrate(version2);
  assert.deepEqual(values(harness), ['{"flights":2,"miles":14}']);
});

test("a version may have other namespaces, outputs and parameters", () => {
  const [old, fresh] = ["old", "fresh"].map((name) => new MapState(name, text, integer));
  const least = { begin() {}, process: (_input, _batch, context) => old.set("a", 1, context) };
  const version1 = () => ({
    ...least,
    describe: () => ({ inputs: ["x"], outputs: ["x"], namespaces: [old], parameters: [{ name: "limit" }] }),
  });
  const more = (schemaVersion, namespaces, migrate) => () => ({
    ...least,
    describe: () => ({
      schemaVersion,
      inputs: ["x"],
      outputs: ["x", "y"],
      namespaces,
      parameters: [{ name: "limit" }, { name: "unit", default: "F" }],
    }),
    migrate,
    open: (context) => context.log("info", `${context.previousParameter("limit")} ${context.parameter("unit")}`),
    process: (_input, _batch, context) => context.emit(1, record({ a: integer }), { a: fresh.get("a", context) ?? 0 }),
  });
  const harness = new Harness(version1, { parameters: { limit: "5" } });
  harness.feed("x\n1\n");
  harness.checkpoint();
  harness.migrate(
    more(2, [fresh, old], (_from, context) => {
      assert.equal(context.parameter("limit"), undefined, "a migration has no parameters");
      for (const [name, value] of old.entries(context)) fresh.set(name, value + 1, context);
    }),
  );
  assert.deepEqual(harness.messages(), ["info: 5 F"]);
  harness.feed("x\n1\n");
  assert.deepEqual(harness.emittedTo("y"), ['{"a":2}']);
  // What version 3 does not describe is there for version 4.
  harness.checkpoint();
  harness.migrate(more(3, [fresh], () => {}));
  assert.throws(() => harness.entries("old"), Refusal);
  harness.migrate(more(4, [old, fresh], () => {}));
  assert.deepEqual(values(harness, "old"), ["1"]);
  assert.deepEqual(harness.emittedTo("y"), ['{"a":2}'], "what was shown stays");
});
