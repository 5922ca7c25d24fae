//! Reads and deletes ranges of keys of ordered namespaces. What it costs follows what is found.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::namespace::{DEFAULT_NAMESPACE, NamespaceKind};
use crate::model::stop::{BYTES, Steps};
use crate::namespaces::Space;
use crate::state::{Page, Scan};

/// How many keys of a range are deleted at once, and about how many bytes of keys and values they have.
const DELETED_AT_ONCE: (usize, usize) = (256, 256 << 10);

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Returns the entries of an ordered namespace whose keys are from `from` up to `to`, which is not included, in
    /// order of the keys' bytes. Without `to`, the range ends with the last key. With `reverse`, the entries come
    /// from the end of the range.
    ///
    /// There are at most `limit` entries, and after the first one they have at most `bytes` of keys and values. No
    /// entries mean that there are none in the range.
    ///
    /// A namespace that is not ordered, and a limit of 0, are [`InvalidInput`](Error::InvalidInput).
    ///
    /// ```
    /// # use alluvium_core::directory::{block_on, MemoryDirectory};
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    /// # use std::sync::Arc;
    /// use alluvium_core::model::namespace::{Namespace, NamespaceKind};
    ///
    /// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
    /// # let open = IncrementalCheckpointManager::open(Arc::new(MemoryDirectory::new()), CheckpointConfig::default(), options);
    /// # let mut manager = block_on(open)?;
    /// let by_day = Namespace::new(0, "flights by day", NamespaceKind::Ordered { route_bytes: 3 });
    /// let flights = manager.declare_namespace(&by_day)?;
    /// for day in ["JFK 01-03", "JFK 01-01", "LAX 01-02", "JFK 01-02"] {
    ///     manager.put_in(flights, day.as_bytes(), b"")?;
    /// }
    /// let days = |page: Vec<(&[u8], &[u8])>| page.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect::<Vec<_>>();
    /// assert_eq!(days(manager.scan(flights, b"JFK 01-02", Some(b"JFL"), false, 10, 1_000)?), ["JFK 01-02", "JFK 01-03"]);
    /// assert_eq!(days(manager.scan(flights, b"", None, true, 1, 1_000)?), ["LAX 01-02"]);
    /// assert_eq!(manager.delete_range(flights, b"JFK", Some(b"JFL"))?, 3);
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub fn scan(
        &self,
        namespace: u32,
        from: &[u8],
        to: Option<&[u8]>,
        reverse: bool,
        limit: usize,
        bytes: usize,
    ) -> Result<Page<'_>, Error> {
        let space = self.ordered(namespace)?;
        if limit == 0 {
            let what = "a scan of 0 entries would never find any: give a limit of 1 or more";
            return Err(Error::InvalidInput(what.into()));
        }
        let view = space.view(&self.live.position);
        space.state().scan(Scan { from, to, reverse }, limit, bytes, |stored| view.see(stored))
    }

    /// Deletes the entries of an ordered namespace whose keys are from `from` up to `to`, which is not included. It
    /// returns how many there were. Each is one mutation, as with [`delete_in`](Self::delete_in). However many there
    /// are, only a few are held in memory at a time.
    ///
    /// A namespace that is not ordered is [`InvalidInput`](Error::InvalidInput). If the work is
    /// [stopped](Self::stop_when), a part of the range may be deleted: it can be undone with
    /// [`rollback_batch`](Self::rollback_batch) if a batch was begun before.
    pub fn delete_range(&mut self, namespace: u32, from: &[u8], to: Option<&[u8]>) -> Result<u64, Error> {
        self.ordered(namespace)?;
        let stop = self.live.state.stop().cloned();
        let mut steps = Steps::new(stop.as_ref());
        let (at_once, bytes) = DELETED_AT_ONCE;
        let mut deleted = 0;
        loop {
            let page = self.scan(namespace, from, to, false, at_once, bytes)?;
            let keys: Vec<Vec<u8>> = page.into_iter().map(|(key, _)| key.to_vec()).collect();
            if keys.is_empty() {
                return Ok(deleted);
            }
            for key in keys {
                steps.take(1 + key.len() / BYTES)?;
                deleted += u64::from(self.delete_in(namespace, &key)?);
            }
        }
    }

    /// Returns an ordered namespace.
    fn ordered(&self, namespace: u32) -> Result<&Space, Error> {
        let space = match namespace {
            DEFAULT_NAMESPACE => None,
            id => Some(self.live.spaces.get(id)?),
        };
        let is_ordered = |space: &&Space| matches!(space.declaration().kind, NamespaceKind::Ordered { .. });
        space.filter(is_ordered).ok_or_else(|| {
            Error::InvalidInput(format!("namespace {namespace} is not ordered: only keys of ordered ones have ranges"))
        })
    }
}
