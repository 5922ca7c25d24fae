// Makes the file of a checkpoint as small as it can be.

import { Checkpoints } from "alluvium";

/** A file above this size is not even tried. It does not shrink to a link. */
const HOPELESS = 8 * 1024 * 1024;

/**
 * Returns a file with the same state, offsets and watermark, all of it written once. A checkpoint also has the files that
 * it builds on, which hold older values.
 */
export async function compact(file: Blob): Promise<Blob> {
  if (file.size > HOPELESS) return file;
  const copy = await Checkpoints.open({ name: "copy", storage: "memory", incremental: false });
  try {
    await copy.importCheckpoint(file);
    await copy.checkpoint();
    return await copy.exportCheckpoint();
  } finally {
    await copy.close();
  }
}
