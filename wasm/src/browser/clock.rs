//! The caller's clock: an object of JavaScript.

use std::cell::RefCell;

use alluvium_core::Clock;
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
    /// Objects of JavaScript belong to their thread, and a [`Clock`] must not: it holds a place in here.
    static CLOCKS: RefCell<Vec<Option<JsClock>>> = const { RefCell::new(Vec::new()) };
}

/// A clock of JavaScript.
pub(super) struct BrowserClock {
    place: usize,
}

impl BrowserClock {
    pub(super) fn new(clock: JsClock) -> Self {
        CLOCKS.with_borrow_mut(|clocks| {
            let place = clocks.iter().position(Option::is_none).unwrap_or_else(|| {
                clocks.push(None);
                clocks.len() - 1
            });
            clocks[place] = Some(clock);
            Self { place }
        })
    }

    /// Fractions are dropped, and what is no time is none: saturating, never a wrap.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as said")]
    fn ask(&self, question: impl Fn(&JsClock) -> f64) -> u64 {
        CLOCKS.with_borrow(|clocks| {
            clocks.get(self.place).and_then(Option::as_ref).map_or(0, |clock| question(clock) as u64)
        })
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
        CLOCKS.with_borrow_mut(|clocks| clocks[self.place] = None);
    }
}
