// Reads CSV, as a host does: fields may be quoted, and lines without anything are passed over.

import { Refusal } from "../refusal.js";

// A field in quotes or without, and what ends it: a comma, the end of the line, or that of the text.
const FIELD = /(?:"((?:[^"]|"")*)"|((?!")[^,\r\n]*))(,|\r\n|\n|\r|$)/y;

/**
 * Reads the records of a text, each of which has as many fields as the first one.
 *
 * @param {string} text
 * @returns {string[][]}
 */
export function csv(text) {
  const records = [];
  let at = text.startsWith("\ufeff") ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const begun = line;
    let isEmpty = true;
    /** @type {string[]} */
    const fields = [];
    for (let end = ","; end === ",";) {
      FIELD.lastIndex = at;
      const found = FIELD.exec(text);
      if (found === null) throw new Refusal(`CSV: line ${begun}: a field in quotes is not one alone, or does not end`);
      fields.push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
      line += (found[0].match(/\r\n|\n|\r/g) ?? []).length;
      end = found[3];
      isEmpty &&= found[0] === end && end !== ",";
      at = FIELD.lastIndex;
    }
    if (isEmpty) continue;
    const width = records[0]?.length ?? fields.length;
    if (fields.length !== width) {
      throw new Refusal(`CSV: line ${begun} has ${fields.length} fields, but the header has ${width}`);
    }
    records.push(fields);
  }
  return records;
}
