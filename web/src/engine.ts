// The one wasm instance of this module: made once, shared by all, and made anew after a panic.

import init, { Engine, __wbg_reset_state, onPanic } from "./wasm/alluvium_wasm.js";
import { AlluviumError, toAlluviumError } from "./error.js";

export { Engine };

/** Where the engine's wasm comes from: bytes, a compiled module, or an address to fetch. */
export type WasmSource = BufferSource | WebAssembly.Module | Response | URL | string | Promise<Response>;

/** Where it comes from by itself; an entry of the package may have its own idea. */
let source: () => WasmSource | Promise<WasmSource> = () => new URL("./wasm/alluvium_wasm_bg.wasm", import.meta.url);

/** Has the engine come from elsewhere. Before the first `open`. */
export function setWasmSource(from: () => WasmSource | Promise<WasmSource>): void {
  source = from;
}

/** One life of the wasm instance. A panic ends it; what was made in it cannot be used after. */
export class Instance {
  /** What ended it; its stack names the engine's functions by number, and a file of the package their names. */
  panic: { message: string; cause: unknown } | undefined;
  readonly #waiting = new Set<(error: AlluviumError) => void>();

  /** Runs a synchronous call. */
  call<T>(call: () => T): T {
    this.check();
    try {
      return call();
    } catch (thrown) {
      throw this.#translate(thrown);
    }
  }

  /** Runs an asynchronous call; rejects too when the engine panics before it ends. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.check();
    let abandon!: (error: AlluviumError) => void;
    const abandoned = new Promise<never>((_, reject) => (abandon = reject));
    this.#waiting.add(abandon);
    try {
      return await Promise.race([call(), abandoned]);
    } catch (thrown) {
      throw this.#translate(thrown);
    } finally {
      this.#waiting.delete(abandon);
    }
  }

  check(): void {
    if (this.panic !== undefined) throw this.#panicked();
  }

  /** Ends this life. */
  end(message: string, cause: unknown): void {
    this.panic ??= { message, cause };
    if (current?.instance === this) current = undefined;
    for (const abandon of this.#waiting) abandon(this.#panicked());
    this.#waiting.clear();
  }

  #panicked(): AlluviumError {
    const { message, cause } = this.panic!;
    const what = `the engine failed: ${message}; what no checkpoint holds is lost, what is stored is whole: open anew`;
    return new AlluviumError("panic", what, { cause });
  }

  #translate(thrown: unknown): AlluviumError {
    if (thrown instanceof WebAssembly.RuntimeError) this.end(thrown.message, thrown);
    return this.panic === undefined ? toAlluviumError(thrown) : this.#panicked();
  }
}

/**
 * A panic is a trap: a check of the engine's that failed, or memory that ran out. In a later turn of an
 * asynchronous call it reaches nobody who awaits it, but the page: what waits must not wait for ever.
 */
function watchForTraps(): void {
  const glue = import.meta.url.replace(/[^/]*$/, "wasm/alluvium_wasm.js");
  const check = (thrown: unknown) => {
    const { stack = "", message } = (thrown ?? {}) as Partial<Error>;
    const isTrap = thrown instanceof WebAssembly.RuntimeError || (thrown instanceof Error && stack.includes("wasm-function"));
    // The page may run other wasm: ours is what our own scripts called.
    const isOurs = stack.includes(import.meta.url) || stack.includes(glue);
    if (isTrap && isOurs) current?.instance.end(`it trapped: ${message}`, thrown);
  };
  globalThis.addEventListener?.("error", ({ error }) => check(error));
  globalThis.addEventListener?.("unhandledrejection", ({ reason }) => check(reason));
}

let current: { instance: Instance; ready: Promise<void> } | undefined;
let lives = 0;

/** The instance, made on the first call. Several calls at once share one. */
export async function instance(): Promise<Instance> {
  if (current === undefined) {
    const made = new Instance();
    if (lives === 0) watchForTraps();
    // The memory of a life that ended must not be touched again.
    if (lives++ > 0) __wbg_reset_state();
    const ready = Promise.resolve(source()).then(async (from) => {
      await init({ module_or_path: from });
      onPanic((text: string) => made.end(text.replaceAll("\n", " "), new Error(text)));
    });
    current = { instance: made, ready };
    ready.catch(() => {
      // A failed fetch may be tried again.
      if (current?.instance === made) current = undefined;
    });
  }
  const { instance, ready } = current;
  try {
    await ready;
  } catch (thrown) {
    // Development servers that move modules leave the wasm behind, and answer its address with a page.
    const advice = 'if a bundler moved this module away from its wasm, exclude "alluvium" from that (Vite 7: optimizeDeps.exclude) or import "alluvium/inline"';
    throw new AlluviumError("io", `the engine could not be loaded: ${String(thrown)}; ${advice}`, { cause: thrown });
  }
  return instance;
}
