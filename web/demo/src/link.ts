// A small checkpoint inside a link. The part behind # stays in the browser: no server gets it.

/** The longest link, in characters of its state. */
export const LONGEST = 16 * 1024;
/** The most bytes that a link may unpack to. A small text can unpack to gigabytes. */
const LARGEST = 4 * 1024 * 1024;
const FORM = /^#state=(flights|firehose-[1-9]\d{0,5}|archive-[1-9]\d{0,6})\.([A-Za-z0-9_-]+)$/;

/** Returns the part of a link that carries a file, or undefined if it is too large. */
export async function pack(source: string, file: Blob): Promise<string | undefined> {
  const packed = await new Response(file.stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer();
  if ((packed.byteLength * 4) / 3 > LONGEST) return undefined;
  const binary = Array.from(new Uint8Array(packed), (byte) => String.fromCharCode(byte)).join("");
  return `#state=${source}.${btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** Whether the part of a link wants to carry a state. */
export const carries = (hash: string) => hash.startsWith("#state=");

/** Returns what the part of a link carries. Throws if it is not whole. */
export async function unpack(hash: string): Promise<{ source: string; file: Blob }> {
  if (hash.length > LONGEST + 64) throw new Error(`the link is longer than ${LONGEST} characters`);
  const [, source, text] = FORM.exec(hash) ?? [];
  if (source === undefined || text === undefined) throw new Error("the link is not of the form #state=SOURCE.STATE; it may have been cut off");
  const parts: BlobPart[] = [];
  let size = 0;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      size += part.value.byteLength;
      if (size > LARGEST) break;
      parts.push(part.value as BlobPart);
    }
    if (size > LARGEST) await reader.cancel();
  } catch (thrown) {
    throw new Error("the state in the link is not whole; it may have been cut off", { cause: thrown });
  }
  if (size > LARGEST) throw new Error(`the state in the link unpacks to more than ${LARGEST} bytes`);
  return { source, file: new Blob(parts) };
}
