// Reads the code blocks of a page, and refuses a page with a block that no test would run.

/** What an info string may say. `text` is the expected output of the block before it, or a drawing. */
const KINDS = new Set(["rust", "sh", "js", "js node", "text"]);

/** Kinds whose output may be followed by a `text` block with the output that is expected. */
const PRINTS = new Set(["sh", "js", "js node"]);

/**
 * The blocks of a page: `{ page, line, kind, code, expected }`. `expected` is the text block that
 * directly follows, if there is one. Throws when a block is unfinished, indented, without a language
 * or of a kind that nothing runs.
 */
export function blocksOf(page, text) {
  const blocks = [];
  let open;
  /** The block that a text block would belong to: nothing but empty lines may lie between. */
  let last;
  for (const [at, line] of text.split("\n").entries()) {
    const where = `${page}:${at + 1}`;
    if (open) {
      if (line.trim() !== "```") open.lines.push(line);
      else {
        last = close(open, last, blocks);
        open = undefined;
      }
      continue;
    }
    if (/^\s+(```|~~~)|^~~~/.test(line)) throw new Error(`${where}: write code blocks with \`\`\` at the beginning of a line`);
    if (line.startsWith("```")) {
      const kind = line.slice(3).trim();
      if (!KINDS.has(kind)) throw new Error(`${where}: no test runs blocks of ${JSON.stringify(kind)}; known are ${[...KINDS].join(", ")}`);
      open = { page, line: at + 1, kind, lines: [] };
    } else if (line.trim() !== "") last = undefined;
  }
  if (open) throw new Error(`${page}:${open.line}: this block has no end`);
  return blocks;
}

function close({ page, line, kind, lines }, last, blocks) {
  const code = `${lines.join("\n")}\n`;
  if (kind === "text") {
    if (last && PRINTS.has(last.kind) && last.expected === undefined) last.expected = code;
    return undefined;
  }
  const block = { page, line, kind, code, expected: undefined };
  blocks.push(block);
  return block;
}

/**
 * Whether an output is the expected one. `…` stands for any text within a line, and a line with
 * nothing but `…` for any number of lines.
 */
export function isExpected(expected, output) {
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const line = (text) => (text.trim() === "…" ? "(?:[^\n]*\n)*" : `${text.split("…").map(escaped).join("[^\n]*")}\n`);
  return new RegExp(`^${tidy(expected).map(line).join("")}$`).test(tidy(output).map((text) => `${text}\n`).join(""));
}

/** Lines without trailing blanks, and without empty lines at either end. */
function tidy(text) {
  return text.replace(/[ \t\r]+$/gm, "").replace(/^\n+|\n+$/g, "").split("\n");
}
