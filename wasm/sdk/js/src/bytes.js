// Bytes: as Uint8Array where others see them, and as a string of one character for each byte inside of this package.
//
// A map cannot find a Uint8Array by its content. A string of the characters U+0000 to U+00FF can be found, joined and
// compared, and its order is that of the bytes. It is called a name here.
//
// In a component, JavaScript is interpreted, and iterators are the slowest part of it: a `for … of` over three numbers
// takes 5 µs, and a loop that counts takes 0.2. So what runs for each record counts, here and in other files.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// More arguments of one call may be too many for the stack.
const AT_ONCE = 4096;
const ASCII = /^[\0-\x7f]*$/;

/**
 * Returns the UTF-8 of a text. A text with half a surrogate pair has none.
 *
 * @param {string} text
 * @returns {Uint8Array}
 */
export function utf8(text) {
  if (!text.isWellFormed())
    throw new TypeError(`${JSON.stringify(text)} has half a surrogate pair, which is no character`);
  return encoder.encode(text);
}

/**
 * Reads UTF-8, or returns undefined if the bytes are none.
 *
 * @param {Uint8Array} bytes
 * @returns {string | undefined}
 */
export function textOf(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns the name of the UTF-8 of a text. @param {string} text */
export function nameOfText(text) {
  return ASCII.test(text) ? text : nameOf(utf8(text));
}

/** Reads a name of UTF-8, or returns undefined if its bytes are none. @param {string} name */
export function textOfName(name) {
  return ASCII.test(name) ? name : textOf(bytesOf(name));
}

/** Returns the name of bytes. @param {Uint8Array} bytes */
export function nameOf(bytes) {
  let name = "";
  for (let at = 0; at < bytes.length; at += AT_ONCE) {
    name += Reflect.apply(String.fromCharCode, null, bytes.subarray(at, at + AT_ONCE));
  }
  return name;
}

/** Returns the bytes of a name. @param {string} name */
export function bytesOf(name) {
  const bytes = new Uint8Array(name.length);
  for (let at = 0; at < name.length; at += 1) bytes[at] = name.charCodeAt(at);
  return bytes;
}

/**
 * Puts parts one after the other, and returns their lengths as well.
 *
 * @param {Uint8Array[]} parts
 */
export function packed(parts) {
  const lens = new Uint32Array(parts.length);
  let length = 0;
  for (let index = 0; index < parts.length; index += 1) length += lens[index] = parts[index].length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let index = 0; index < parts.length; index += 1) {
    bytes.set(parts[index], at);
    at += lens[index];
  }
  return { lens, bytes };
}

/**
 * Takes parts apart that stand one after the other.
 *
 * @param {Uint32Array | number[]} lens
 * @param {Uint8Array} bytes
 * @returns {Uint8Array[]}
 */
export function split(lens, bytes) {
  const parts = new Array(lens.length);
  let at = 0;
  for (let index = 0; index < lens.length; index += 1) {
    const end = at + lens[index];
    // What has fewer bytes than its lengths say comes from a host that does not keep to the interface.
    if (end > bytes.length) throw new Error("fewer bytes than the lengths say");
    parts[index] = bytes.slice(at, end);
    at = end;
  }
  return parts;
}
