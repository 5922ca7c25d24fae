//! The signals that a run takes note of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::Failure;

/// What signals asked for. Clones see the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    stops: Arc<AtomicBool>,
    by: Arc<AtomicUsize>,
    hangup: Arc<AtomicBool>,
}

impl Signals {
    /// Takes note of signals from now on. The first SIGINT or SIGTERM asks for an orderly end, the second
    /// ends at once: every checkpoint before is safe either way.
    pub(super) fn watch() -> Result<Self, Failure> {
        let signals = Self::default();
        signals.register().map_err(|error| Failure::at("the handlers of signals", error))?;
        Ok(signals)
    }

    fn register(&self) -> std::io::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&self.stops))?;
            flag::register_usize(signal, Arc::clone(&self.by), usize::try_from(signal).unwrap_or(0))?;
            flag::register(signal, Arc::clone(&self.stops))?;
        }
        flag::register(SIGHUP, Arc::clone(&self.hangup)).map(drop)
    }

    /// Whether the run is to end.
    pub(super) fn stop(&self) -> bool {
        self.stops.load(Ordering::Relaxed)
    }

    /// Returns the flag that is set when the run is to end.
    #[cfg(feature = "cluster")]
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stops)
    }

    /// Whether it was SIGTERM that ends it, as a service manager sends it.
    pub(super) fn is_terminated(&self) -> bool {
        self.by.load(Ordering::Relaxed) == usize::try_from(SIGTERM).unwrap_or(0)
    }

    /// Whether there was a SIGHUP since the last call.
    pub(super) fn take_hangup(&self) -> bool {
        self.hangup.swap(false, Ordering::Relaxed)
    }
}
