// The version of what the application stores, and how an older state is brought up to date.

import type { Checkpoints } from "./checkpoints.js";
import { AlluviumError } from "./error.js";

/** The annotation that has the version. */
const VERSION = "schema-version";

/** Which version of the state the application works with. */
export interface Schema {
  /**
   * The version of what your application stores. A state of another version is not opened, unless `migrate` brings an
   * older one up to date. A state that was written without a version has version 0.
   */
  schemaVersion?: number | undefined;
  /**
   * Rewrites the state from an older version. When it returns, a checkpoint of the new version is taken before `open`
   * resolves. If it throws, nothing is written: the state stays as it was, and in its version. So it takes no checkpoint
   * and no sync itself, which are refused while it runs.
   * What an older version stored is of any type.
   */
  migrate?: ((checkpoints: Checkpoints<any, any>, from: number) => void | Promise<void>) | undefined;
}

/** Compares the version of a state that was just opened with the wanted one, and migrates the state if it is older. */
export async function bringUpToDate<V, I>(checkpoints: Checkpoints<V, I>, { schemaVersion, migrate }: Schema, migrating: (work: () => Promise<void>) => Promise<void>): Promise<void> {
  if (schemaVersion === undefined) return;
  const { name } = checkpoints;
  if (!Number.isSafeInteger(schemaVersion) || schemaVersion < 0) {
    throw new AlluviumError("invalid-input", `schemaVersion: ${String(schemaVersion)} is not a version number`);
  }
  const from = checkpoints.recovered === null ? schemaVersion : Number(checkpoints.annotation(VERSION) ?? 0);
  const both = `the state of ${name} has schema version ${from}, and this code has ${schemaVersion}`;
  if (from > schemaVersion || Number.isNaN(from)) throw new AlluviumError("invalid-input", `${both}: open it with newer code`);
  if (from < schemaVersion) {
    if (checkpoints.isReadOnly) throw new AlluviumError("invalid-input", `${both}: a writer has to migrate it first`);
    if (migrate === undefined) throw new AlluviumError("invalid-input", `${both}: give open a function migrate`);
    await migrating(async () => {
      await migrate(checkpoints, from);
      checkpoints.setAnnotation(VERSION, String(schemaVersion));
    });
    await checkpoints.checkpoint({ whenBusy: "queue" });
  } else if (!checkpoints.isReadOnly && checkpoints.annotation(VERSION) !== String(schemaVersion)) checkpoints.setAnnotation(VERSION, String(schemaVersion));
}
