// Sets as the engine keeps them: the elements in the order of their bytes, each behind its length as LEB128.
//
// Sets and elements are names: see bytes.js.

const MORE = 0x80;

/** Writes an element. @param {string} element */
export function elementOf(element) {
  let [left, length] = [element.length, ""];
  for (; left >= MORE; left >>>= 7) length += String.fromCharCode((left & 0x7f) | MORE);
  return length + String.fromCharCode(left) + element;
}

/** Reads a set. Where it ends wrongly, `wrong` says why. @param {string} name */
export function elementsOf(name) {
  /** @type {string[]} */
  const of = [];
  let at = 0;
  while (at < name.length) {
    let [length, weight] = [0, 1];
    for (; name.charCodeAt(at) >= MORE; at += 1) {
      length += (name.charCodeAt(at) & 0x7f) * weight;
      weight *= MORE;
    }
    length += name.charCodeAt(at) * weight;
    const element = name.slice(at + 1, at + 1 + length);
    at += 1 + length;
    if (Number.isNaN(length) || at > name.length) return { of, wrong: "not a set: an element is cut off" };
    if (of.length > 0 && of[of.length - 1] >= element) return { of, wrong: "not a set: its elements do not ascend" };
    of.push(element);
  }
  return { of, wrong: undefined };
}
