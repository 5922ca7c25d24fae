/**
 * The entry for Cloudflare's workers, `alluvium/workerd`. There, `alluvium` is the same. The engine's wasm is a module
 * that is imported, because workers cannot compile one. Checkpoints are kept in the storage of a Durable Object, or in
 * a bucket of R2:
 *
 * ```ts
 * import { Checkpoints, DurableObjectDirectory } from "alluvium/workerd";
 *
 * const checkpoints = await Checkpoints.open({ name: "orders", storage: new DurableObjectDirectory(ctx.storage) });
 * ```
 *
 * @module
 */
import * as imported from "../wasm/alluvium_wasm_bg.wasm";
import { setWasmSource } from "../engine.js";

// The types beside the wasm are those of its instance. Here the module itself is the default export.
const { default: compiled } = imported as unknown as { default: WebAssembly.Module };
setWasmSource(() => compiled);

export * from "../index.js";
export { DurableObjectDirectory, type DurableObjectStorageLike } from "./durable-object.js";
export { type R2BodyLike, type R2BucketLike, R2Directory, type R2ObjectLike, type R2PageLike } from "./r2.js";
