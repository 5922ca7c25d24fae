//! Reports panics. A panic ends the engine's instance, and its text is sent to the console and the package.

use std::cell::Cell;
use std::panic;

use js_sys::Function;
use wasm_bindgen::prelude::*;

thread_local! {
    static LISTENER: Cell<Option<Function>> = const { Cell::new(None) };
}

/// Logs the text of a panic to the console, and calls `listener` with it, before the engine traps.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(listener: Function) {
    LISTENER.set(Some(listener));
    panic::set_hook(Box::new(|panicked| {
        console_error_panic_hook::hook(panicked);
        if let Some(listener) = LISTENER.take() {
            // The trap follows in any case.
            let _ = listener.call1(&JsValue::UNDEFINED, &panicked.to_string().into());
        }
    }));
}
