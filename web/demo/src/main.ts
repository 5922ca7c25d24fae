// The page. It starts workers, terminates them without warning, and shows what they report.

import { killedAt, listen, showSettings, showStorage } from "./controls.js";
import { log, setText } from "./dom.js";
import * as format from "./format.js";
import { takeCrash } from "./memory.js";
import { hearing, keep, settle } from "./page.js";
import { failed, hear, showTally } from "./shown.js";

hearing.hear = hear;
hearing.failed = failed;
hearing.killed = killedAt;
showSettings();
showTally();
setText("clock-note", `This page's clock has steps of ${format.clockStepUs} µs${globalThis.crossOriginIsolated ? "" : "; with the headers COOP and COEP it would have steps of 5 µs"}.`);
const crashedAt = takeCrash();
if (crashedAt !== undefined) log(`The tab crashed at about ${format.count(crashedAt)} records; this is a new page.`);
settle();
listen();
void showStorage();
setInterval(() => void showStorage(), 2_000);
addEventListener("pagehide", keep);
