// A state that is migrated from one language to another: what version 1 of the plugin `carriers` has left is continued by
// version 2 in another language, with kill -9 before and after. State and output are those of Rust, byte for byte.
//
// node migration.mjs ALLUVIUM TARGET FOLDER, with the components of Rust in TARGET and what build.sh left in FOLDER.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { FLIGHTS, killed } from "../operators/examples.mjs";
import { report, test } from "../runner.mjs";
import { alluvium, call, command, components, missing, ok, scratch, state } from "./plugins.mjs";

const INPUT = join(scratch, "flights.csv");
writeFileSync(INPUT, gunzipSync(readFileSync(FLIGHTS)).toString().split("\n").slice(0, 4001).join("\n"));
const flights = { inputs: { flights: INPUT }, outputs: ["flights"], delay: 0, every: 100 };

const newer = components("carriers");
// In JavaScript and Python, build.sh builds version 1 only if it is told to: see there.
const older = new Map([...components("carriers_1", "examples/carriers_1")].filter(([, plugin]) => existsSync(plugin)));
assert.ok(older.has("Rust"), "version 1 in Rust is built");

const version = (dir) => JSON.parse(ok(call("show", dir, "--json"))).alluvium.annotations["plugin.schema-version"];

const whole = {};
for (const [number, plugins] of [["1", older], ["2", newer]]) {
  for (const [language, plugin] of plugins) {
    await test(`version ${number} in ${language}: the state and all that is emitted`, () => {
      const run = command(plugin, flights, `whole-${number}-${language}`);
      ok(call(...run.args));
      const found = { ...state(run.dir), version: version(run.dir), emitted: run.emitted() };
      whole[number] ??= found;
      assert.match(found.dump, number === "1" ? /"value":\[\d+,\d+\]/ : /"miles"/);
      assert.ok(found.emitted[0].split("\n").length > 25, "there is something to compare");
      assert.deepEqual(found, whole[number]);
      assert.equal(found.version, number);
    });
  }
}

for (const [at, [language, plugin]] of [...newer].entries()) {
  const others = [...older].filter(([other]) => other !== language);
  // None is left if there is only Rust.
  if (others.length === 0) continue;
  const [from, before] = others[at % others.length];
  await test(`version 1 in ${from}, continued by version 2 in ${language}, with kills`, async () => {
    const at = `migrated-${language}`;
    const [run1, run2] = [before, plugin].map((component) => command(component, flights, at));
    assert.ok(await killed(alluvium, run1.args, 3), "a kill of version 1");
    const refused = call(...run2.args);
    assert.equal(refused.status, 2, refused.stderr);
    assert.match(refused.stderr, /schema version 1/);
    assert.match(refused.stderr, /--migrate/);
    assert.equal(version(run1.dir), "1", "what was refused has changed nothing");
    assert.ok(await killed(alluvium, [...run2.args, "--migrate"], 2), "a kill after the migration");
    assert.equal(version(run1.dir), "2");
    ok(call(...run2.args));
    const found = { ...state(run2.dir), version: version(run2.dir), emitted: run2.emitted() };
    assert.deepEqual(found, whole[2]);
    const back = call(...run1.args, "--migrate");
    assert.equal(back.status, 2, back.stderr);
    assert.match(back.stderr, /exports no migration/);
  });
}

await test("only a plugin whose operator migrates exports a migration", () => {
  const exports = (plugin) => readFileSync(plugin).includes("alluvium:checkpoint/migration@");
  for (const [language, plugin] of newer) assert.ok(exports(plugin), `carriers in ${language}`);
  for (const [language, plugin] of [...older, ...components("joined")]) assert.ok(!exports(plugin), `${plugin} in ${language}`);
});

for (const line of missing) console.log(`SKIPPED  ${line}`);
report();
