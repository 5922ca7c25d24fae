// Types that browsers have and other platforms may not declare. The package's own declarations name them only through this
// module, so that a project for Node needs no library of the DOM.

/** Bytes: a buffer, or a view of one. It is what browsers call a `BufferSource`. */
export type BytesSource = ArrayBufferView<ArrayBuffer> | ArrayBuffer;

/** A compiled module of WebAssembly, where the platform declares its type. */
export type WasmModule = typeof globalThis extends Record<"WebAssembly", Record<"Module", Record<"prototype", infer M extends object>>> ? M : object;
