// Gives a checkpoint to somebody else: by a link if it is small, by a file otherwise. Opens such a link.

import { by, log, make, setText } from "./dom.js";
import * as format from "./format.js";
import { carries, pack, unpack } from "./link.js";

export function download(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  log(`Downloaded ${name}, ${format.bytes(file.size)}.`);
}

/** Shows a link that carries the file. If it is too large for one, the file is downloaded. */
export async function share(source: string, id: string, file: Blob): Promise<void> {
  const hash = await pack(source, file);
  if (hash === undefined) {
    log(`Checkpoint ${id} is too large for a link of 16 KiB, so it is a file.`);
    return download(file, `alluvium-${source}-checkpoint-${id}.tar`);
  }
  const link = new URL(location.href);
  link.hash = hash;
  const field = by<HTMLInputElement>("link");
  field.value = link.href;
  setText("link-text", `This link carries checkpoint ${id}, ${format.bytes(file.size)} in ${format.count(hash.length)} characters. The part behind # is sent to no server.`);
  by("link-box").hidden = false;
  field.focus();
  field.select();
  await navigator.clipboard?.writeText(link.href).then(
    () => log(`The link to checkpoint ${id} is in the clipboard.`),
    () => log(`The link to checkpoint ${id} is ready to be copied.`),
  );
}

/** Offers to open the state that the address of this page carries. */
export async function offer(open: (source: string, file: Blob) => void): Promise<void> {
  const { hash } = location;
  if (!carries(hash)) return;
  const done = () => {
    by("offer").hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
  };
  const accept = by<HTMLButtonElement>("offer-open");
  by("offer").hidden = false;
  by("offer-ignore").onclick = done;
  accept.hidden = true;
  try {
    const { source, file } = await unpack(hash);
    setText("offer-text", `This link carries a state of ${source}, ${format.bytes(file.size)}. It becomes the newest checkpoint. Those that you have stay, and you can restore them.`);
    accept.hidden = false;
    accept.onclick = () => {
      done();
      open(source, new File([file], "the link"));
    };
  } catch (thrown) {
    setText("offer-text", `This link cannot be opened: ${thrown instanceof Error ? thrown.message : String(thrown)}.`);
  }
}
