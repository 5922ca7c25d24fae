//! A panic ends the instance: its memory can no longer be trusted, and nothing of it is written any
//! more. What is stored stays whole, since only whole checkpoints ever become visible.

use std::cell::RefCell;

use js_sys::Function;
use wasm_bindgen::prelude::*;

thread_local! {
    static HANDLER: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Has `handler` called with the message of a panic, before the instance traps.
#[wasm_bindgen(js_name = setPanicHandler)]
pub fn set_panic_handler(handler: Function) {
    HANDLER.set(Some(handler));
    std::panic::set_hook(Box::new(|panic| {
        HANDLER.with_borrow(|handler| {
            if let Some(handler) = handler {
                // The handler's own failure changes nothing: the trap follows either way.
                let _ = handler.call1(&JsValue::NULL, &panic.to_string().into());
            }
        });
    }));
}
