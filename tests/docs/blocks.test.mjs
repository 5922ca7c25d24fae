// The runner itself: what it must refuse, and what it must tell apart.

import assert from "node:assert/strict";
import { test } from "node:test";

import { blocksOf, isExpected } from "./blocks.mjs";

const page = (...lines) => blocksOf("page.md", lines.join("\n"));

test("a block that no test runs is refused", () => {
  for (const kind of ["", "python", "toml", "rust,ignore", "rust,no_run", "ts", "bash"])
    assert.throws(() => page("```" + kind, "x", "```"), /page\.md:1: no test runs/, kind);
  assert.throws(() => page("1. one", "   ```sh", "   x", "   ```"), /page\.md:2/);
  assert.throws(() => page("~~~sh", "x", "~~~"), /page\.md:1/);
  assert.throws(() => page("```sh", "x"), /no end/);
});

test("a text block belongs to the block directly before it", () => {
  const [one, two] = page("```sh", "a", "```", "", "```text", "A", "```", "```js node", "b", "```", "words", "```text", "drawing", "```");
  assert.deepEqual([one.kind, one.code, one.expected], ["sh", "a\n", "A\n"]);
  assert.deepEqual([two.kind, two.line, two.expected], ["js node", 8, undefined]);
  assert.equal(page("```rust", "a", "```", "```text", "A", "```")[0].expected, undefined);
});

test("an ellipsis stands for what differs, and for nothing else", () => {
  assert.ok(isExpected("done: … a second\n", "done: 27,004 a second  \n\n"));
  assert.ok(isExpected("first\n…\nlast\n", "first\nx\ny\nlast\n"));
  assert.ok(isExpected("first\n…\n", "first\n"));
  assert.ok(!isExpected("a.b\n", "axb\n"));
  assert.ok(!isExpected("done\n", "done\nand more\n"));
  assert.ok(!isExpected("a…b\n", "a\nb\n"));
});
