// Uses the entry for inspectors in a strict TypeScript program, which the tests compile against the packed tarball.

import { type CheckpointDirectory, Checkpoints } from "alluvium";
import { type Inspectable, type Inspector, type InspectorOptions, mountInspector } from "alluvium/inspector";

interface Order {
  total: number;
}

export async function show(element: HTMLElement, checkpoints: Checkpoints<Order>, directory: CheckpointDirectory, file: File, picked: FileSystemDirectoryHandle): Promise<void> {
  const options: InspectorOptions = { open: checkpoints, choosing: false, dropTarget: element };
  const inspector: Inspector = mountInspector(element, options);
  const all: Inspectable[] = [file, await checkpoints.exportCheckpoint(), [file], new Map([["segments/1", file]]), picked, directory];
  for (const what of all) await inspector.open(what);
  // @ts-expect-error: an inspector opens no addresses.
  inspector.open("https://localhost/orders.tar").catch(() => {});
  await inspector.remove();
}
