// The version of what the application stores, and how an older state is brought up to date.

import type { Checkpoints } from "./checkpoints.js";
import { callable, refuse } from "./checks.js";
import type { WrittenCheckpoint } from "./types.js";

/** The annotation that has the version. */
const VERSION = "schema-version";

/** Which version of the state the application works with. */
export interface Schema {
  /**
   * The version of what your application stores. A state of another version is not opened, restored or imported, unless
   * `migrate` brings an older one up to date. A state that was written without a version has version 0.
   */
  schemaVersion?: number | undefined;
  /**
   * Rewrites the state from an older version. When it returns, a checkpoint of the new version is taken before `open`
   * resolves, and before `restore` and `importCheckpoint` do. If it throws, nothing is written: the state stays as it was,
   * and in its version. So it takes no checkpoint and no sync itself, which are refused while it runs.
   * What an older version stored is of any type.
   */
  migrate?: ((checkpoints: Checkpoints<any, any>, from: number) => void | Promise<void>) | undefined;
}

/** Refuses a state of a version that this code neither has nor can bring about. */
function checkVersion({ name, isReadOnly }: Checkpoints<any, any>, { schemaVersion, migrate }: Schema, from: number): void {
  if (schemaVersion === undefined) return;
  const both = `the state of ${name} has schema version ${from}, and this code has ${schemaVersion}`;
  if (from > schemaVersion || Number.isNaN(from)) refuse(`${both}: open it with newer code`);
  if (from === schemaVersion) return;
  if (isReadOnly) refuse(`${both}: a writer has to migrate it first`);
  if (migrate === undefined) refuse(`${both}: give open a function migrate`);
}

/** Refuses a checkpoint of such a version, before it becomes the state. */
export function checkAnnotations(checkpoints: Checkpoints<any, any>, schema: Schema, annotations: ReadonlyMap<string, string>): void {
  checkVersion(checkpoints, schema, Number(annotations.get(VERSION) ?? 0));
}

/** Checks the version that the code says it has. */
export function checkSchema({ schemaVersion, migrate }: Schema): void {
  const version = schemaVersion ?? 0;
  if (!Number.isSafeInteger(version) || version < 0) refuse(`schemaVersion: ${String(version)} is not a version number`);
  callable("option migrate", migrate ?? (() => {}));
}

/**
 * Compares the version of what has just become the state with the wanted one, and migrates the state if it is older. Returns
 * the checkpoint of the new version, if it took one.
 */
export async function bringUpToDate(
  checkpoints: Checkpoints<any, any>,
  schema: Schema,
  { isFresh, migrating }: { isFresh: boolean; migrating: (work: () => Promise<void>) => Promise<void> },
): Promise<WrittenCheckpoint | undefined> {
  const { schemaVersion, migrate } = schema;
  if (schemaVersion === undefined) return undefined;
  const from = isFresh ? schemaVersion : Number(checkpoints.annotation(VERSION) ?? 0);
  checkVersion(checkpoints, schema, from);
  const note = (): void => checkpoints.setAnnotation(VERSION, String(schemaVersion));
  if (from < schemaVersion) {
    await migrating(async () => {
      await migrate?.(checkpoints, from);
      note();
    });
    return checkpoints.checkpoint({ whenBusy: "queue" });
  }
  if (!checkpoints.isReadOnly && checkpoints.annotation(VERSION) !== String(schemaVersion)) note();
  return undefined;
}
