//! Time as running components see it: in ticks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use alluvium_core::model::stop::Stop;

use crate::error::RuntimeError;
use crate::limits::{Limit, Limits};
use crate::store_data::StoreData;
use crate::threads::cannot_start;

/// How often running components look at the time.
const TICK: Duration = Duration::from_millis(10);

/// A thread that wakes up late makes up for so many ticks.
const AT_ONCE: u32 = 10;

/// Returns the ticks that a call has.
pub(crate) fn ticks(call: Duration) -> u64 {
    let ticks = call.as_millis().div_ceil(TICK.as_millis()).max(1);
    u64::try_from(ticks).unwrap_or(u64::MAX / 2).min(u64::MAX / 2)
}

/// What one call of a plugin may take.
#[derive(Clone)]
pub(crate) struct Allowance {
    time: Duration,
    fuel: Option<u64>,
    clock: Ticks,
}

impl Allowance {
    /// What these limits allow, in ticks of this clock.
    pub(crate) fn of(limits: &Limits, counts_fuel: bool, clock: &Ticks) -> Self {
        let fuel = counts_fuel.then_some(limits.plugin_call_fuel);
        Self { time: limits.plugin_call, fuel, clock: clock.clone() }
    }

    /// What other limits allow on the same host.
    pub(crate) fn under(&self, limits: &Limits) -> Self {
        Self::of(limits, self.fuel.is_some(), &self.clock)
    }

    /// Gives it to a call that begins now.
    pub(crate) fn grant(&self, store: &mut wasmtime::Store<StoreData>) -> wasmtime::Result<()> {
        store.set_epoch_deadline(ticks(self.time));
        self.fuel.map_or(Ok(()), |fuel| store.set_fuel(fuel))
    }

    /// Says when a call that begins now must be over.
    pub(crate) fn stop(&self) -> Stop {
        self.clock.after(self.time)
    }
}

/// Says that the engine's work for a call of a plugin outlasted that call's deadline.
pub(crate) fn past() -> RuntimeError {
    let why = "what it asked of the engine took longer than one call may take".to_owned();
    RuntimeError::Limit { who: "the plugin", limit: Limit::Time, why }
}

/// The ticks since a host began. If the whole process stands still, so do they, and no plugin is stopped for that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ticks(Arc<AtomicU64>);

impl Ticks {
    /// Says when a call that begins now must be over.
    pub(crate) fn after(&self, call: Duration) -> Stop {
        let (now, end) = (self.0.clone(), self.0.load(Ordering::Relaxed).saturating_add(ticks(call)));
        Stop::new(move || now.load(Ordering::Relaxed) >= end)
    }
}

/// Lets time pass for the components of `compiler`, for as long as it lives, and counts it.
pub(crate) fn tick(compiler: &wasmtime::Engine) -> Result<Ticks, RuntimeError> {
    let (compiler, ticks) = (compiler.weak(), Ticks::default());
    let counted = ticks.clone();
    let ticking = move || {
        let (mut last, mut left) = (Instant::now(), Duration::ZERO);
        while let Some(compiler) = compiler.upgrade() {
            let passed;
            (passed, left) = due(left + last.elapsed());
            last = Instant::now();
            for _ in 0..passed {
                compiler.increment_epoch();
                counted.0.fetch_add(1, Ordering::Relaxed);
            }
            drop(compiler);
            std::thread::sleep(TICK.saturating_sub(left));
        }
    };
    let thread = std::thread::Builder::new().name("plugin deadlines".to_owned()).spawn(ticking);
    thread.map(|_| ticks).map_err(|error| RuntimeError::Host(cannot_start("a thread", &error)))
}

/// Returns how many ticks pass now if this much time has gone by since the last one, and what is left of the time. A
/// thread on a busy machine wakes up late, and makes up for it; what stood still for longer does not.
fn due(since: Duration) -> (u32, Duration) {
    let ticks = since.as_nanos() / TICK.as_nanos();
    match u32::try_from(ticks) {
        Ok(ticks) if ticks <= AT_ONCE => (ticks, since.saturating_sub(TICK * ticks)),
        _ => (AT_ONCE, Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_ticks_are_made_up_for_and_a_standstill_is_not() {
        let check = |ms, ticks, left| assert_eq!(due(Duration::from_millis(ms)), (ticks, Duration::from_millis(left)));
        check(9, 0, 9);
        check(35, 3, 5);
        check(109, 10, 9);
        check(110, 10, 0);
        check(1_000_000_000_000, 10, 0);
    }

    #[test]
    fn a_call_has_at_least_one_tick() {
        assert_eq!([0, 1, 10, 11].map(|ms| ticks(Duration::from_millis(ms))), [1, 1, 1, 2]);
        assert_eq!(ticks(Duration::MAX), u64::MAX / 2);
    }
}
