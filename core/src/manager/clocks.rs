//! The clocks of namespaces, and the deletion of what has expired by them.

use crate::error::IncrementalCheckpointError as Error;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::expiry::{UNSET_MS, expiry_time, split_expiry, with_expiry};
use crate::model::namespace::{DEFAULT_NAMESPACE, NamespaceKind, TimeDomain};
use crate::model::record::Record;

/// So many entries are deleted at most when a clock moves.
const DELETED_AT_ONCE: usize = 1_024;

impl<D> IncrementalCheckpointManager<D> {
    /// Returns the time that a namespace's clock shows, in milliseconds: the watermark or the processing time. It is
    /// `None` as long as that was not set.
    ///
    /// A namespace that has no clock, because it neither holds timers nor entries that expire, is
    /// [`InvalidInput`](Error::InvalidInput).
    pub fn clock_in(&self, namespace: u32) -> Result<Option<i64>, Error> {
        let declaration = match namespace {
            DEFAULT_NAMESPACE => None,
            id => Some(self.live.spaces.get(id)?.declaration()),
        };
        let domain = declaration.and_then(|declaration| match declaration.kind {
            NamespaceKind::Timers(domain) => Some(domain),
            _ => declaration.expires,
        });
        let domain = domain.ok_or_else(|| Error::InvalidInput(format!("namespace {namespace} has no clock")))?;
        Ok(self.live.position.time(domain))
    }

    /// Deletes entries that have expired, at most `limit` of them, and returns how many. Each is one mutation.
    ///
    /// What has expired is never read, whether it is deleted already or not. The manager deletes some of it whenever
    /// a clock moves, and some with each change of a namespace whose entries expire. This deletes more, for a caller
    /// that has the time.
    ///
    /// ```
    /// # use alluvium_core::directory::{block_on, MemoryDirectory};
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    /// # use std::sync::Arc;
    /// use alluvium_core::model::namespace::{Namespace, NamespaceKind, TimeDomain};
    ///
    /// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
    /// # let open = IncrementalCheckpointManager::open(Arc::new(MemoryDirectory::new()), CheckpointConfig::default(), options);
    /// # let mut manager = block_on(open)?;
    /// let seen = Namespace::new(0, "seen", NamespaceKind::Hashed).expiring(TimeDomain::Processing, 1_000);
    /// let seen = manager.declare_namespace(&seen)?;
    /// manager.set_processing_time(10_000);
    /// manager.put_in(seen, b"id", b"once")?;
    /// manager.set_processing_time(10_999);
    /// assert_eq!(manager.get_in(seen, b"id")?, Some(&b"once"[..]));
    /// manager.set_processing_time(11_000);
    /// assert_eq!(manager.get_in(seen, b"id")?, None);
    /// assert_eq!(manager.len_in(seen)?, 0);
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub fn delete_expired(&mut self, limit: usize) -> Result<usize, Error> {
        self.delete_expired_by(&[TimeDomain::Event, TimeDomain::Processing], limit)
    }

    /// Deletes some of what has expired by a clock that has moved.
    pub(super) fn clock_moved(&mut self, domain: TimeDomain) {
        // What cannot be deleted now is not read, and is tried again with the next change.
        let _ = self.delete_expired_by(&[domain], DELETED_AT_ONCE);
    }

    fn delete_expired_by(&mut self, domains: &[TimeDomain], limit: usize) -> Result<usize, Error> {
        let expires = self
            .live
            .spaces
            .declared()
            .iter()
            .filter(|declared| declared.expires.is_some_and(|domain| domains.contains(&domain)));
        let mut deleted = 0;
        for namespace in expires.map(|declared| declared.id).collect::<Vec<_>>() {
            deleted += self.delete_expired_in(namespace, limit - deleted)?;
        }
        Ok(deleted)
    }

    /// Deletes entries of one namespace that have expired, the earliest first. Those that were written before its
    /// clock showed a time begin to age now.
    pub(super) fn delete_expired_in(&mut self, namespace: u32, limit: usize) -> Result<usize, Error> {
        let space = self.live.spaces.get(namespace)?;
        let after_ms = space.declaration().expires_after_ms;
        let Some(now) = space.declaration().expires.and_then(|domain| self.live.position.time(domain)) else {
            return Ok(0);
        };
        let mut deleted = 0;
        for _ in 0..limit {
            let state = self.live.spaces.get(namespace)?.state();
            if let Some((UNSET_MS, key, value)) = state.last_to_expire() {
                let (key, value) = (key.to_vec(), split_expiry(value).map_or(&b""[..], |(_, value)| value));
                let value = with_expiry(expiry_time(Some(now), after_ms), value);
                self.put_stored(namespace, &key, &value)?;
                continue;
            }
            let Some((_, key)) = state.first_to_expire().filter(|(expiry_ms, _)| *expiry_ms <= now) else {
                break;
            };
            let key = key.to_vec();
            let hash = self.live.spaces.get(namespace)?.place(&key, None)?;
            self.change_in(&Record { hash, namespace, key: &key, value: None })?;
            deleted += 1;
        }
        Ok(deleted)
    }
}
