/**
 * The entry `alluvium/inspector`: shows checkpoints in a page of your own.
 *
 * ```ts
 * import { mountInspector } from "alluvium/inspector";
 *
 * const inspector = mountInspector(document.querySelector("#inspector")!, { open: checkpoints });
 * await inspector.open(file); // another checkpoint, from a file
 * await inspector.remove();
 * ```
 *
 * @module
 */
export { type Inspector, type InspectorOptions, mountInspector } from "./mount.js";
export type { Inspectable } from "./opening.js";
