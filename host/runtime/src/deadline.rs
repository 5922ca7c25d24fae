//! Time as running components see it: in ticks.

use std::time::Duration;

use crate::error::RuntimeError;

/// How often running components look at the time.
const TICK: Duration = Duration::from_millis(10);

/// Returns the ticks that a call has.
pub(crate) fn ticks(call: Duration) -> u64 {
    let ticks = call.as_millis().div_ceil(TICK.as_millis()).max(1);
    u64::try_from(ticks).unwrap_or(u64::MAX / 2).min(u64::MAX / 2)
}

/// Lets time pass for the components of `compiler`, for as long as it lives.
pub(crate) fn tick(compiler: &wasmtime::Engine) -> Result<(), RuntimeError> {
    let compiler = compiler.weak();
    let ticking = move || {
        while let Some(compiler) = compiler.upgrade() {
            compiler.increment_epoch();
            drop(compiler);
            std::thread::sleep(TICK);
        }
    };
    let thread = std::thread::Builder::new().name("plugin deadlines".to_owned()).spawn(ticking);
    thread.map(drop).map_err(|error| RuntimeError::Host(format!("cannot start a thread: {error}")))
}
