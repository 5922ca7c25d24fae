// The wasm instance of this module. All checkpoints share one instance. After a panic, the next open creates a
// new one.

import init, { Engine, __wbg_reset_state, initSync, onPanic } from "./wasm/alluvium_wasm.js";
import { AlluviumError, toAlluviumError } from "./error.js";
import type { BytesSource, WasmModule } from "./platform.js";

export { Engine };

/** Where the engine's wasm comes from: bytes, a compiled module, or an address to fetch. */
export type WasmSource = BytesSource | WasmModule | Response | URL | string | Promise<Response>;

/** The address of this module. A script has none, and neither has a module in a worker at the edge. */
const address: string | undefined = import.meta.url;

/** Returns the default source of the wasm. Other entries of the package replace it. */
let source: () => WasmSource | Promise<WasmSource> = () => {
  if (address === undefined) throw new Error("this script has no address beside which the wasm could be");
  // Bundlers look for this form.
  return new URL("./wasm/alluvium_wasm_bg.wasm", import.meta.url);
};

/** Sets where the engine's wasm comes from. Call it before the first `open`. */
export function setWasmSource(from: () => WasmSource | Promise<WasmSource>): void {
  source = from;
}

/** One life of the wasm instance. A panic ends it, and objects that were created in it cannot be used any more. */
export class Instance {
  /**
   * The panic that ended this instance. The stack of `cause` names the engine's functions by number. The file
   * `alluvium_wasm_bg.symbols` has their names.
   */
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

  /** Runs an asynchronous call. The result is also rejected if the engine panics before the call ends. */
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

  /** Calls `listener` once if this instance ends. The returned function takes that back. */
  whenEnded(listener: (error: AlluviumError) => void): () => void {
    this.#waiting.add(listener);
    return () => void this.#waiting.delete(listener);
  }

  /** Throws if a panic has ended this instance. */
  check(): void {
    if (this.panic !== undefined) throw this.#panicked();
  }

  /** Ends this instance and rejects all calls that wait for it. */
  end(message: string, cause: unknown): void {
    this.panic ??= { message, cause };
    if (current?.instance === this) current = undefined;
    for (const abandon of this.#waiting) abandon(this.#panicked());
    this.#waiting.clear();
  }

  #panicked(): AlluviumError {
    const { message, cause } = this.panic!;
    const what = `the engine failed: ${message}; changes since the newest checkpoint are lost, and what is stored is whole: open the checkpoints again`;
    return new AlluviumError("panic", what, { cause });
  }

  #translate(thrown: unknown): AlluviumError {
    if (thrown instanceof WebAssembly.RuntimeError) this.end(thrown.message, thrown);
    return this.panic === undefined ? toAlluviumError(thrown) : this.#panicked();
  }
}

/**
 * Watches the page for traps of the engine. The engine reports a panic itself, but not another trap, such as one
 * where memory runs out. A trap in a later turn of an asynchronous call does not reject the call's promise. It only
 * reaches the page as an error event. Without this watch, the callers would wait forever.
 */
function watchForTraps(): void {
  // Without an address, this module and the one that calls the engine are in one script, which a stack names.
  const script = address ?? /(?:[(@]|\bat )([^(@\n]+?):\d+:\d+/.exec(new Error().stack ?? "")?.[1] ?? "";
  const glue = script.replace(/[^/]*$/, "wasm/alluvium_wasm.js");
  const check = (thrown: unknown, isTrap: boolean) => {
    // The page may run other wasm. A trap is ours if one of our scripts is on its stack.
    const { stack = "", message } = (thrown ?? {}) as Partial<Error>;
    const isOurs = stack.includes(script) || stack.includes(glue);
    // The trap of a panic may be reported when the next instance is already being made, which did not trap.
    if (isTrap && isOurs && current?.isReady) current.instance.end(`it trapped: ${message}`, thrown);
  };
  // What the engine calls may throw, too. This ends the engine's turn like a trap.
  globalThis.addEventListener?.("error", ({ error }) => {
    check(error, error instanceof WebAssembly.RuntimeError || (error instanceof Error && (error.stack ?? "").includes("wasm-function")));
  });
  // A directory may reject a promise while the engine calls it. The engine then handles the rejection. But some
  // runtimes report it all the same, and so would a page for another promise that was made from the same one.
  globalThis.addEventListener?.("unhandledrejection", ({ reason }) => check(reason, reason instanceof WebAssembly.RuntimeError));
}

let current: { instance: Instance; ready: Promise<void>; isReady: boolean } | undefined;
let isWatching = false;
/** Whether the wasm was loaded once. A failed fetch leaves nothing behind that could be reset. */
let isLoaded = false;

/** Loads the wasm, unless it is loaded. A module that is compiled already is ready at once. */
async function load(): Promise<void> {
  if (isLoaded) return;
  const from = await source();
  // At the edge, a promise that one request made may never settle for another one, if the first is cancelled. So
  // nothing is awaited there. Only pages may refuse to instantiate a large module at once.
  if (from instanceof WebAssembly.Module && typeof document === "undefined") initSync({ module: from });
  else await init({ module_or_path: from });
}

/** Returns the instance, and creates it on the first call. Concurrent calls share one. */
export async function instance(): Promise<Instance> {
  if (current === undefined) {
    if (!isWatching) watchForTraps();
    isWatching = true;
    // The memory of an instance that has ended must not be touched again.
    if (isLoaded) __wbg_reset_state();
    const made = new Instance();
    const making = { instance: made, isReady: false, ready: Promise.resolve() };
    making.ready = load().then(() => {
      isLoaded = true;
      onPanic((text: string) => made.end(text.replaceAll("\n", " "), new Error(text)));
      making.isReady = true;
    });
    making.ready.catch(() => {
      // The next call tries a failed fetch again.
      if (current === making) current = undefined;
    });
    current = making;
  }
  const { instance, ready } = current;
  try {
    await ready;
  } catch (thrown) {
    // Some development servers move the module and leave the wasm behind. They answer its address with a page.
    const advice = 'if a bundler moved this module away from its wasm, exclude "alluvium" from bundling (Vite 7: optimizeDeps.exclude), import "alluvium/inline", or pass the option `wasm`';
    throw new AlluviumError("io", `the engine could not be loaded: ${String(thrown)}; ${advice}`, { cause: thrown });
  }
  return instance;
}
