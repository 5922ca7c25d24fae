// Checks in a real browser that the demo does what it says. Run `node web/demo/check.mjs` after
// `web/demo/build.sh`. `node web/demo/check.mjs firefox` uses Firefox. It skips the checks that need Chromium's
// downloads or its accessibility tree. ALLUVIUM_SEED=n replays the random moments. If the command is built
// (ALLUVIUM names it, otherwise target/debug is used), a checkpoint goes from the browser to it and back.

import { actsOf } from "./checks/acts.mjs";
import { commandLine } from "./checks/command.mjs";
import { flights } from "./checks/flights.mjs";
import { inspector } from "./checks/inspector.mjs";
import { journey } from "./checks/journey.mjs";
import { kills } from "./checks/kills.mjs";
import { large } from "./checks/large.mjs";
import { readable } from "./checks/readable.mjs";
import { settings } from "./checks/settings.mjs";
import { sharing } from "./checks/sharing.mjs";
import { storages } from "./checks/storages.mjs";
import { tabs } from "./checks/tabs.mjs";
import { check, kind, same, tally } from "./checks/tally.mjs";
import { executable, openDemo } from "./drive.mjs";

if (executable(kind) === undefined) {
  console.log(`no ${kind}: install it, or name it in ${kind.toUpperCase()}\n0 passed, 1 failed`);
  process.exit(1);
}

const demo = await openDemo(kind);
const opened = { demo, ...actsOf(demo) };
try {
  await large(opened);
  await kills(opened);
  await settings(opened);
  await flights(opened);
  await storages(opened);
  await tabs(opened);
  await sharing(opened);
  await readable(opened);
  await inspector(opened);
  await commandLine(opened);
  await journey(opened);
  await check("the page had no error", () => same("errors", demo.errors.join("\n"), ""));
} finally {
  await demo.close();
}
console.log(`${tally.passed} passed, ${tally.failed} failed${tally.skipped ? `, ${tally.skipped} skipped` : ""}`);
process.exit(tally.failed > 0 ? 1 : 0);
