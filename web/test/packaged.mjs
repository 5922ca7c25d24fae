// Installs the tarball that npm would publish into small projects of the usual kinds.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

import { entryPaths } from "../size.mjs";
import { same } from "./harness.mjs";

const web = fileURLToPath(new URL("../", import.meta.url));

/** What every project does: it writes a checkpoint and recovers it. */
const app = `
const checkpoints = await Checkpoints.open({ name: "packaged-" + PROJECT });
checkpoints.put("a", "1");
checkpoints.putJson("b", { two: 2 });
checkpoints.setSourceOffset("in", 7);
await checkpoints.checkpoint();
await checkpoints.close();
const again = await Checkpoints.open({ name: "packaged-" + PROJECT });
await report(\`\${again.size} keys, offset \${again.sourceOffset("in")}\`);
`;

const main = (project, from) =>
  `import { Checkpoints } from ${JSON.stringify(from)};\nconst PROJECT = ${JSON.stringify(project)};\n` +
  'const report = (body) => fetch("/reported/" + PROJECT, { method: "POST", body });\n' +
  `(async () => {${app}})().catch((error) => report(String(error)));\n`;

const html = (script) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,"><script type="module" src="${script}"></script></html>`;

/** Returns the source of each entry of the package. */
const sourcesOfEntries = () => Object.values(entryPaths()).map((path) => `src/${path.replace(/js$/, "ts")}`).sort();

/** Compares the files of the tarball with package-files.txt, so that no file is published by accident. */
function listed(found) {
  const expected = readFileSync(join(web, "test/package-files.txt"), "utf8").trim().split("\n");
  const without = (these, those) => these.filter((path) => !those.includes(path)).join(", ") || "nothing";
  const [unexpected, missing] = [without(found, expected), without(expected, found)];
  if (unexpected !== "nothing" || missing !== "nothing") throw new Error(`unexpected: ${unexpected}; missing: ${missing}`);
  return `${found.length} files`;
}

/** Fails with what publint says against the packed files. */
async function linted(tarball) {
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer }, strict: true });
  if (messages.length > 0) throw new Error(messages.map((message) => formatMessage(message, pkg)).join("\n"));
}

/**
 * Fails if types and modules do not belong together, for any way of importing an entry. The package has ES modules
 * only, which is what the two kinds that are left out say.
 */
async function typed(tarball) {
  const { problems, types } = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
  if (types === false) throw new Error("no types were found");
  const isExpected = ({ kind, resolutionKind }) => kind === "CJSResolvesToESM" || resolutionKind === "node10";
  const found = problems.filter((problem) => !isExpected(problem));
  if (found.length > 0) throw new Error(JSON.stringify(found));
}

/** Packs the package, then installs and builds the projects below `folder`. Returns each project, its page, and what that reports. */
export async function packaged(folder, test) {
  mkdirSync(folder, { recursive: true });
  const run = (command, args, cwd, env = {}) => execFileSync(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } }).toString();
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", folder], web));
  const tarball = join(folder, packed.filename);
  await test("npm tarball holds the files that are listed", () => listed(packed.files.map(({ path }) => path)));
  await test("npm tarball is what publint expects", () => linted(tarball));
  await test("npm tarball has the types of its modules", () => typed(tarball));
  await test("npm: every public member is documented", () => {
    same("the entries that have API pages", JSON.parse(readFileSync(join(web, "typedoc.json"), "utf8")).entryPoints.sort(), sourcesOfEntries());
    run(join(web, "node_modules/.bin/typedoc"), ["--emit", "none"], web);
  });
  const compile = (at) => {
    try {
      run(join(web, "node_modules/.bin/tsc"), ["-p", "."], at);
    } catch (error) {
      throw new Error(`${error.message}\n${error.stdout}`);
    }
  };
  const pages = [];
  const project = async (name, build, reported = "2 keys, offset 7") => {
    const at = join(folder, name);
    mkdirSync(at);
    writeFileSync(join(at, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
    run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--no-package-lock", "--silent", tarball], at);
    writeFileSync(join(at, "main.js"), main(name, "alluvium"));
    await test(`npm tarball builds in ${name}`, () => {
      const page = build(at);
      if (page) pages.push([name, `/packaged/${name}/${page}`, reported]);
    });
  };
  await project("plain", (at) => {
    writeFileSync(join(at, "main.js"), main("plain", "./node_modules/alluvium/dist/index.js"));
    writeFileSync(join(at, "index.html"), html("./main.js"));
    return "index.html";
  });
  await project("inline", (at) => {
    writeFileSync(join(at, "main.js"), main("inline", "./node_modules/alluvium/dist/inline.js"));
    writeFileSync(join(at, "index.html"), html("./main.js"));
    return "index.html";
  });
  await project("vite", (at) => {
    writeFileSync(join(at, "index.html"), html("/main.js"));
    run(join(web, "node_modules/.bin/vite"), ["build", "--base", "./", "--logLevel", "error"], at);
    return "dist/index.html";
  });
  await project("webpack", (at) => {
    const config = 'export default { mode: "production", entry: "./main.js", output: { publicPath: "auto" } };\n';
    writeFileSync(join(at, "webpack.config.js"), config);
    run(join(web, "node_modules/.bin/webpack"), ["--config", "webpack.config.js"], at);
    writeFileSync(join(at, "dist/index.html"), html("./main.js"));
    return "dist/index.html";
  });
  const react = (at) => {
    // The package does not bring React: the application does.
    for (const name of ["react", "react-dom", "scheduler"]) symlinkSync(join(web, "node_modules", name), join(at, "node_modules", name));
    cpSync(join(web, "test/react-project.mjs"), join(at, "main.js"));
    writeFileSync(join(at, "index.html"), html("/main.js"));
    run(join(web, "node_modules/.bin/vite"), ["build", "--base", "./", "--logLevel", "error", "--mode", "development"], at, { NODE_ENV: "development" });
    return "dist/index.html";
  };
  await project("react", react, "the hooks work");
  const inspector = (at) => {
    cpSync(join(web, "test/inspector-project.mjs"), join(at, "main.js"));
    writeFileSync(join(at, "index.html"), html("/main.js"));
    run(join(web, "node_modules/.bin/vite"), ["build", "--base", "./", "--logLevel", "error"], at);
    return "dist/index.html";
  };
  await project("inspector", inspector, "anna126, nothing is left");
  await project("node", (at) => {
    cpSync(join(web, "test/node-project.mjs"), join(at, "run.mjs"));
    const said = run("node", ["run.mjs", join(at, "checkpoints")], at).trim();
    if (said !== "done 2 keys, offset 7") throw new Error(said);
    // Such a project has the types of Node and none of a browser's.
    mkdirSync(join(at, "node_modules/@types"));
    symlinkSync(join(web, "node_modules/@types/node"), join(at, "node_modules/@types/node"));
    cpSync(join(web, "test/sample-node.ts"), join(at, "sample-node.ts"));
    const strict = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noPropertyAccessFromIndexSignature: true, noImplicitOverride: true, verbatimModuleSyntax: true, skipLibCheck: false };
    writeFileSync(join(at, "tsconfig.json"), JSON.stringify({ compilerOptions: { ...strict, lib: ["ES2022"], types: ["node"], target: "ES2022", module: "node16", moduleResolution: "node16", noEmit: true }, files: ["sample-node.ts"] }));
    compile(at);
    return undefined;
  });
  await project("typescript", (at) => {
    const sample = readFileSync(join(web, "test/sample.ts"), "utf8");
    const methods = run("node", ["--input-type=module", "-e", 'import { Checkpoints } from "alluvium"; const names = (of) => (of === Object.prototype ? [] : [...Object.getOwnPropertyNames(of), ...names(Object.getPrototypeOf(of))]); console.log(names(Checkpoints.prototype).join())'], at);
    const missing = methods.trim().split(",").filter((name) => name !== "constructor" && !new RegExp(`\\.${name}\\b`).test(sample));
    if (missing.length > 0) throw new Error(`sample.ts leaves out ${missing}`);
    writeFileSync(join(at, "sample.ts"), sample);
    const samples = ["sample.ts", "sample-client.ts", "sample-inspector.ts"];
    for (const name of samples.slice(1)) cpSync(join(web, "test", name), join(at, name));
    // The types are resolved as bundlers do, and as Node does. In Node the main entry also has `fileDirectory`.
    writeFileSync(join(at, "files.ts"), 'import { Checkpoints, fileDirectory } from "alluvium";\nexport const open = (path: string) => Checkpoints.open({ name: "x", storage: fileDirectory(path) });\n');
    const compilerOptions = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, skipLibCheck: false, target: "es2022", outDir: "out", types: [], lib: ["es2022", "dom"] };
    for (const [resolution, module, files] of [["bundler", "es2022", samples], ["nodenext", "nodenext", [...samples, "files.ts"]]]) {
      writeFileSync(join(at, "tsconfig.json"), JSON.stringify({ compilerOptions: { ...compilerOptions, module, moduleResolution: resolution }, files }));
      compile(at);
    }
    const said = run("node", ["out/sample.js"], at).trim();
    if (said !== "done") throw new Error(said);
    return undefined;
  });
  return pages;
}
