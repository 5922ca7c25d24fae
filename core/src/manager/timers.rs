//! Timers: set, deleted, and taken in the order of their times and keys.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::namespace::{DEFAULT_NAMESPACE, NamespaceKind};
use crate::model::timer::{Timer, split_timer_key, timer_key};
use crate::state::Scan;

/// After its first timer, a page holds at most so many bytes of keys.
const PAGE_BYTES: usize = 1 << 20;

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Sets a timer for a key, in milliseconds of the namespace's clock. There is one timer for each time and key, so
    /// setting it again changes nothing. A timer is a part of the state, and is durable as all mutations are.
    ///
    /// - A namespace that does not hold timers is [`InvalidInput`](Error::InvalidInput).
    /// - A key that is too long together with its time, and a timer that would exceed the memory limit, are
    ///   [`LimitExceeded`](Error::LimitExceeded).
    ///
    /// ```
    /// # use alluvium_core::directory::{block_on, MemoryDirectory};
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    /// # use std::sync::Arc;
    /// use alluvium_core::model::namespace::{Namespace, NamespaceKind, TimeDomain};
    /// use alluvium_core::model::timer::Timer;
    ///
    /// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
    /// # let open = IncrementalCheckpointManager::open(Arc::new(MemoryDirectory::new()), CheckpointConfig::default(), options);
    /// # let mut manager = block_on(open)?;
    /// let ends = Namespace::new(0, "ends of windows", NamespaceKind::Timers(TimeDomain::Event));
    /// let ends = manager.declare_namespace(&ends)?;
    /// manager.set_timer(ends, 2_000, b"JFK")?;
    /// manager.set_timer(ends, 1_000, b"LAX")?;
    /// manager.set_watermark(1_500);
    /// let due = manager.clock_in(ends)?.unwrap_or(i64::MIN);
    /// assert_eq!(manager.take_timers(ends, due, 100)?, [Timer { at_ms: 1_000, key: b"LAX".to_vec() }]);
    /// assert_eq!(manager.take_timers(ends, due, 100)?, []);
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub fn set_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<(), Error> {
        self.check_holds_timers(namespace)?;
        let stored = timer_key(at_ms, key);
        if self.stored_in(namespace)?.get(&stored).is_some() {
            return Ok(());
        }
        self.put_stored(namespace, &stored, b"")
    }

    /// Deletes a timer. Returns whether it was set.
    ///
    /// A namespace that does not hold timers is [`InvalidInput`](Error::InvalidInput).
    pub fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<bool, Error> {
        self.check_holds_timers(namespace)?;
        self.delete_in(namespace, &timer_key(at_ms, key))
    }

    /// Returns the first timers in the order of their times, and of their keys at the same time: those that are set
    /// for `up_to_ms` or earlier, and at most `limit` of them. After the first one, a page holds at most 1 MiB of
    /// keys. No timers mean that there are none up to that time.
    ///
    /// A namespace that does not hold timers, and a limit of 0, are [`InvalidInput`](Error::InvalidInput).
    pub fn timers(&self, namespace: u32, up_to_ms: i64, limit: usize) -> Result<Vec<Timer>, Error> {
        self.check_holds_timers(namespace)?;
        if limit == 0 {
            let what = "a page of 0 timers would never find any: give a limit of 1 or more";
            return Err(Error::InvalidInput(what.into()));
        }
        let end = up_to_ms.checked_add(1).map(|end| timer_key(end, b""));
        let scan = Scan { from: b"", to: end.as_deref(), reverse: false };
        let found = self.stored_in(namespace)?.scan(scan, limit, PAGE_BYTES, Some)?;
        let timer = |stored| split_timer_key(stored).map(|(at_ms, key)| Timer { at_ms, key: key.to_vec() });
        Ok(found.into_iter().filter_map(|(stored, _)| timer(stored)).collect())
    }

    /// Returns the time of the first timer, in milliseconds of the namespace's clock, or `None` if no timer is set.
    ///
    /// A namespace that does not hold timers is [`InvalidInput`](Error::InvalidInput).
    pub fn first_timer(&self, namespace: u32) -> Result<Option<i64>, Error> {
        Ok(self.timers(namespace, i64::MAX, 1)?.first().map(|timer| timer.at_ms))
    }

    /// Takes the timers that [`timers`](Self::timers) returns: they are deleted, each by one mutation. Call it until
    /// it returns none, with [`clock_in`](Self::clock_in) for those that are due, and with `i64::MAX` for all that
    /// are left at the end of a bounded input.
    ///
    /// Timers that are set meanwhile take their place in the order: the next page begins with the earliest one.
    pub fn take_timers(&mut self, namespace: u32, up_to_ms: i64, limit: usize) -> Result<Vec<Timer>, Error> {
        let taken = self.timers(namespace, up_to_ms, limit)?;
        for timer in &taken {
            self.delete_in(namespace, &timer_key(timer.at_ms, &timer.key))?;
        }
        Ok(taken)
    }

    /// Takes timers as [`take_timers`](Self::take_timers) does, but only those that are set for the same time as the
    /// first one. Timers that the first ones set for the same time then come before all later ones.
    pub fn take_first_timers(&mut self, namespace: u32, up_to_ms: i64, limit: usize) -> Result<Vec<Timer>, Error> {
        let first = self.first_timer(namespace)?.unwrap_or(i64::MAX);
        self.take_timers(namespace, first.min(up_to_ms), limit)
    }

    /// Checks that a namespace holds timers.
    fn check_holds_timers(&self, namespace: u32) -> Result<(), Error> {
        let is_default = namespace == DEFAULT_NAMESPACE;
        if !is_default && matches!(self.live.spaces.get(namespace)?.declaration().kind, NamespaceKind::Timers(_)) {
            return Ok(());
        }
        Err(Error::InvalidInput(format!("namespace {namespace} does not hold timers")))
    }
}
