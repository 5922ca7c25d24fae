// Times as joins keep them.

import { integerOf, parseInteger } from "../integers.js";
import { Digits } from "../json.js";
import { Type, other } from "../types.js";

/** A time in milliseconds, as a number in JSON. */
export const instant = new Type({
  name: "a time in milliseconds",
  isExact: true,
  write: (value) => String(integerOf(value)),
  parse(json) {
    const value = parseInteger(json instanceof Digits ? json.text : String(json));
    if (value === undefined) throw other("a time in milliseconds", json);
    return value;
  },
});
