// Builds the recipes of the guide for Next and Parcel as a user has them, and runs them in Chromium. `make test-pages`
// installs the packages of package.json in the folder that ALLUVIUM_EDGE names. They are too many for `make test`.

import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { pages } from "../edge/pages.mjs";
import { install, packages, project, ran, within } from "../edge/project.mjs";
import { SAID, app, html } from "../edge/suites/recipes.mjs";
import { same, tally, test } from "../harness.mjs";

/** What each page does. It needs another entry of the package too. */
const RUN = `${app('export { consume } from "alluvium/sources";')}
export const report = (body) => fetch("/reported", { method: "POST", body });
`;

/** Makes a new application beside the packages, where it finds them. Returns its folder. */
function application(name, files) {
  const folder = join(packages, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  cpSync(join(project, "node_modules/alluvium"), join(folder, "node_modules/alluvium"), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

/** Next loads the module on its server too, where the page is drawn first. What needs a browser is in an effect. */
async function withNext(inPage) {
  const cwd = application("next-application", {
    "package.json": JSON.stringify({ name: "next-application", private: true, type: "module" }),
    "next.config.mjs": 'export default { output: "export", basePath: "/next" };\n',
    "app/run.js": RUN,
    "app/layout.jsx": 'export default function Layout({ children }) {\n  return <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>;\n}\n',
    "app/page.jsx": `"use client";
import { useEffect, useState } from "react";
import { report, run } from "./run.js";

export default function Page() {
  const [said, setSaid] = useState("nothing yet");
  useEffect(() => void run("next").catch(String).then((told) => (setSaid(told), report(told))), []);
  return <p>{said}</p>;
}
`,
  });
  await ran(process.execPath, [within("next/dist/bin/next"), "build"], { cwd, env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" } });
  cpSync(join(cwd, "out"), join(project, "next"), { recursive: true });
  same("what the page reported", await inPage("/next/index.html"), SAID);
}

/** Parcel finds the entries below `alluvium/` only if it is told to read the exports of packages. */
async function withParcel(inPage) {
  const cwd = application("parcel-application", {
    "package.json": JSON.stringify({ name: "parcel-application", private: true, "@parcel/resolver-default": { packageExports: true } }),
    // Parcel takes the folder of the lock file for the project, and reads the options there.
    "package-lock.json": "{}",
    "run.js": RUN,
    "main.js": 'import { report, run } from "./run.js";\n\nrun("parcel").catch(String).then(report);\n',
    "index.html": html("./main.js"),
  });
  const options = ["--no-cache", "--public-url", "./", "--dist-dir", join(project, "parcel")];
  await ran(process.execPath, [within("parcel/lib/bin.js"), "build", "index.html", ...options], { cwd, env: { ...process.env, PARCEL_DISABLE_TELEMETRY: "1" } });
  same("what the page reported", await inPage("/parcel/index.html"), SAID);
}

install();
const { inPage, close } = await pages();
await test("recipe: Next", () => withNext(inPage));
await test("recipe: Parcel", () => withParcel(inPage));
await close();
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exit(tally.failed === 0 ? 0 : 1);
