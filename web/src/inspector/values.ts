// Shows keys and values, which are bytes of any kind.

export type Form = "auto" | "json" | "text" | "hex";

/** The longest value that is shown whole. */
const LONGEST = 4_096;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** Control and invisible characters are shown as codes, so that no text looks like another one. */
const visible = (text: string) => text.replace(/[^\P{C}\n\t]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);

function json(text: string | undefined): string | undefined {
  try {
    // Only its form is checked: parsed and written again, large integers would lose digits.
    if (text === undefined) return undefined;
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

/** Returns where a long value is cut: not inside a character of UTF-8, which has at most 4 bytes. */
function cutOf(bytes: Uint8Array): number {
  for (let at = LONGEST; at > LONGEST - 4; at--) if ((bytes[at]! & 0xc0) !== 0x80) return at;
  return LONGEST;
}

/** Returns what a key or a value looks like. A form that it does not have is said in words. */
export function shown(bytes: Uint8Array, form: Form): string {
  // A part of a JSON text is only text.
  if (bytes.length > LONGEST) return `${shown(bytes.subarray(0, cutOf(bytes)), form === "json" ? "auto" : form)} … (${bytes.length} bytes)`;
  const text = form === "hex" ? undefined : textOf(bytes);
  if (form === "json") return visible(json(text) ?? `not JSON: ${hex(bytes)}`);
  if (form === "text") return text === undefined ? `not UTF-8: ${hex(bytes)}` : visible(text);
  if (form === "hex" || text === undefined) return bytes.length === 0 ? "(empty)" : hex(bytes);
  const isReadable = json(text) !== undefined || !/[^\P{C}\n\t]/u.test(text);
  return isReadable ? visible(text) || "(empty)" : hex(bytes);
}

const whole = new Intl.NumberFormat("en");
export const count = (value: number | bigint | null | undefined) => (value === null || value === undefined ? "–" : whole.format(value));

/** Returns what an error says. */
export const messageOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown));
