//! The caller's clock, which is a JavaScript object.

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
    /// A JavaScript object that tells the time.
    #[wasm_bindgen(typescript_type = "Clock")]
    pub type JsClock;
    #[wasm_bindgen(method, js_name = unixMs)]
    fn unix_ms(this: &JsClock) -> f64;
    #[wasm_bindgen(method, js_name = monotonicUs)]
    fn monotonic_us(this: &JsClock) -> f64;
}

thread_local! {
    /// The clocks, by number. A JavaScript object belongs to one thread and a [`Clock`] must not, so a clock
    /// holds only a key of this map.
    static CLOCKS: RefCell<FxHashMap<u64, JsClock>> = RefCell::default();
    static LAST_NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// A clock that JavaScript implements.
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

    /// Reads the clock. The conversion drops fractions, turns a value that is not a time into 0, and saturates; it
    /// never wraps.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the conversion saturates")]
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
