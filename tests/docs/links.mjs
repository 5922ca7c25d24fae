// Holds the pages to what they point at: files, headings, tests that are named.

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** What is wrong with the references of a page: one sentence each. */
export function brokenReferences(root, page) {
  const text = readFileSync(join(root, page), "utf8").replace(/^```.*?^```$/gms, "");
  const broken = [];
  for (const [, to] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(to)) continue;
    const [path, anchor] = to.split("#");
    const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
    if (!existsSync(file) || relative(root, file).startsWith("..")) broken.push(`${page}: ${to} is not there`);
    else if (anchor && !(statSync(file).isFile() && anchorsOf(readFileSync(file, "utf8")).has(anchor)))
      broken.push(`${page}: ${to} has no such heading`);
  }
  // A test that holds what is said: `path/to/file.rs::name_of_the_test`.
  for (const [, path, name] of text.matchAll(/`([\w./-]+\.rs)::(\w+)`/g)) {
    const file = join(root, path);
    if (!existsSync(file) || !new RegExp(`\\bfn ${name}\\b`).test(readFileSync(file, "utf8")))
      broken.push(`${page}: ${path} has no test ${name}`);
  }
  return broken;
}

/** The names by which the headings of a page are linked to. */
function anchorsOf(text) {
  const anchors = new Set();
  for (const [, heading] of text.matchAll(/^#+ (.+)$/gm)) {
    const slug = heading.toLowerCase().replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[^\p{L}\p{N}\- _]/gu, "").replace(/ /g, "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}
