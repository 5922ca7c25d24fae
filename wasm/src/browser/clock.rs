//! The caller's clock: an object of JavaScript.

use std::cell::{Cell, RefCell};

use alluvium_core::Clock;
use rustc_hash::FxHashMap;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Where time comes from. */
export interface Clock {
  /** Milliseconds of Unix time. */
  unixMs(): number;
  /** Microseconds since some fixed moment, never going backwards. */
  monotonicUs(): number;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// Where time comes from.
    #[wasm_bindgen(typescript_type = "Clock")]
    pub type JsClock;
    #[wasm_bindgen(method, js_name = unixMs)]
    fn unix_ms(this: &JsClock) -> f64;
    #[wasm_bindgen(method, js_name = monotonicUs)]
    fn monotonic_us(this: &JsClock) -> f64;
}

thread_local! {
    /// Objects of JavaScript belong to one thread and a [`Clock`] must not, so a clock is a number in here.
    static CLOCKS: RefCell<FxHashMap<u64, JsClock>> = RefCell::default();
    static LAST_NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// A clock of JavaScript.
pub(super) struct BrowserClock {
    number: u64,
}

impl BrowserClock {
    pub(super) fn new(clock: JsClock) -> Self {
        let number = LAST_NUMBER.get() + 1;
        LAST_NUMBER.set(number);
        CLOCKS.with_borrow_mut(|clocks| clocks.insert(number, clock));
        Self { number }
    }

    /// Asks the clock. Fractions are dropped, and what is no time becomes 0: the conversion saturates, it never wraps.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as said")]
    fn ask(&self, question: impl Fn(&JsClock) -> f64) -> u64 {
        CLOCKS.with_borrow(|clocks| clocks.get(&self.number).map_or(0, |clock| question(clock) as u64))
    }
}

impl Clock for BrowserClock {
    fn unix_ms(&self) -> u64 {
        self.ask(JsClock::unix_ms)
    }

    fn monotonic_us(&self) -> u64 {
        self.ask(JsClock::monotonic_us)
    }
}

impl Drop for BrowserClock {
    fn drop(&mut self) {
        CLOCKS.with_borrow_mut(|clocks| clocks.remove(&self.number));
    }
}
