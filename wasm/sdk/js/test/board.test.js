// The example plugin `board`: ordered and merged state, questions in JSON, timers, and a parameter that changes. The tests
// are those of the plugin in Rust.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { Harness, code } from "../src/index.js";

const path = fileURLToPath(new URL("../../../plugins/javascript/board.js", import.meta.url));
const options = { skip: !existsSync(path) && "not in a checkout" };

let folder;
let Board;
before(async () => {
  if (options.skip) return;
  folder = mkdtempSync(join(tmpdir(), "alluvium-board-"));
  // The plugin names the package, which is found where it is installed only.
  const index = JSON.stringify(new URL("../src/index.js", import.meta.url).href);
  writeFileSync(join(folder, "board.mjs"), readFileSync(path, "utf8").replace('"alluvium-plugin"', index));
  Board = (await import(pathToFileURL(join(folder, "board.mjs")).href)).default;
});
after(() => folder && rmSync(folder, { recursive: true }));

function departures(harness, ...of) {
  const lines = of.map(([origin, at, flight]) => `${origin},LAX,UA,${flight},2013-01-${at}:00:00Z\n`);
  harness.feed(`origin,dest,carrier,flight,time_hour\n${lines.join("")}`);
}
const question = (origin, at, last) => JSON.stringify({ origin, at: `2013-01-${at}:00:00Z`, last });
const ask = (harness, ...of) => harness.feedRecords("questions", [question(...of)]);

test("an answer has the last departures of its airport, and what is older goes", options, () => {
  const harness = new Harness(Board, { parameters: { hours: "6" } });
  departures(harness, ["JFK", "01T05", 1], ["EWR", "01T09", 2], ["JFK", "01T09", 3], ["JFK", "01T09", 4]);
  ask(harness, "JFK", "01T12", 9);
  ask(harness, "JFK", "01T09", 9);
  ask(harness, "JFK", "01T10", 1);
  harness.checkpoint();
  harness.crash();
  departures(harness, ["JFK", "01T12", 5], ["JFK", "01T11", 6]);
  harness.watermark("2013-01-01T12:00:00Z");
  const flights = harness.emitted().map((line) => JSON.parse(line).departures.map(({ flight }) => flight.number));
  assert.deepEqual(flights, [[1], [4], [6, 4, 3]]);
  const first = '{"origin":"JFK","before":"2013-01-01T09:00:00Z","departures":[';
  const flight = '{"at":"2013-01-01T05:00:00Z","flight":{"carrier":"UA","number":1,"dest":"LAX"}}]}';
  assert.equal(harness.emitted()[0], first + flight);
  // The departure at 5 o'clock is more than six hours before the last answer.
  assert.equal(harness.entries("departures").length, 5);
  assert.deepEqual(harness.entries("asked"), []);
  const jfk = '{"key":"JFK","flights":5,"latest":"2013-01-01T12:00:00Z","destinations":["LAX"]}';
  assert.equal(harness.results()[1], jfk);
});

test("the state has the bytes of the plugin in Rust", options, () => {
  const harness = new Harness(Board);
  departures(harness, ["JFK", "01T05", 7]);
  ask(harness, "JFK", "01T05", 2);
  const shown = (name) => harness.entries(name).map((entry) => entry.map((of) => Buffer.from(of).toString("latin1")));
  const [[key, value]] = shown("departures");
  assert.equal(key.slice(0, 3), "JFK");
  assert.equal(key.slice(11), "UA\0\x01\0\0\0\0\0\0\0\x07", "a number of a flight has no sign");
  assert.equal(value, '{"carrier":"UA","number":7,"dest":"LAX"}');
  assert.deepEqual(shown("asked"), [["JFK", '[{"origin":"JFK","at":"2013-01-01T05:00:00Z","last":2}]']]);
  assert.deepEqual(shown("flights"), [["JFK", "\x01\0\0\0\0\0\0\0"]]);
  assert.deepEqual(shown("latest"), [["JFK", key.slice(3, 11)]]);
  assert.deepEqual(shown("destinations"), [["JFK", "\x03LAX"]]);
  assert.deepEqual(harness.timers("due"), [{ at: Date.UTC(2013, 0, 1, 5), key: code(3).bytes("JFK") }]);
});

test("questions belong to their airports, and bad ones are named", options, () => {
  const harness = new Harness(Board);
  const [good, bad] = [question("JFK", "01T05", 1), question("LONDON", "01T05", 1)];
  assert.deepEqual(harness.routeRecords("questions", [good]), [code(3).bytes("JFK")]);
  departures(harness, ["EWR", "01T05", 1]);
  const header = "origin,dest,carrier,flight,time_hour\n";
  assert.deepEqual(harness.route("departures", `${header}LGA,LAX,UA,1,0\n`), [code(3).bytes("LGA")]);
  const refused = (record, message) => assert.throws(() => harness.feedRecords(1, [good, record]), { message });
  refused(bad, 'record 1: no JSON of a record here: origin: "LONDON" has 6 bytes, and not 3');
  refused("{}", "record 1: no JSON of a record here: origin is missing");
  refused(good.replace("{", '{"x":1,'), /^record 1: .*"x"/);
  refused(question("JFK", "01T05", 65536), /^record 1: .*last: 65536/);
  refused(question("JFK", "01T05", -1), /^record 1: /);
  assert.deepEqual(harness.entries("asked"), []);
  assert.throws(() => harness.feed(`${header}LGA,LAX,UA,-1,0\n`), { message: 'record 0: flight: "-1" is no number' });
});

test("the hours of an answer are checked, and a change of them is logged", options, () => {
  for (const hours of ["0", "169", "x", "", "1.5", '"']) {
    const message = `the parameter hours: ${JSON.stringify(hours)} is no number of hours from 1 to 168`;
    assert.throws(() => new Harness(Board, { parameters: { hours } }), { name: "Refusal", message });
  }
  const said = [];
  const context = (now, previous) => ({
    parameter: () => now,
    previousParameter: () => previous,
    log: (...all) => said.push(all),
  });
  new Board().open(context("24", undefined));
  new Board().open(context("24", "24"));
  new Board().open(context("+6", "24"));
  assert.deepEqual(said, [["warn", "answers go back +6 hours, and went back 24 before"]]);
});
