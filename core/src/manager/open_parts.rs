//! Opens a directory whose state is made of parts of other directories, and keeps to what it owns.

use std::sync::Arc;

use crate::config::{CheckpointConfig, OpenOptions};
use crate::directory::{Directory, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::ledger::listing::Listing;
use crate::manager::live_state::LiveState;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::hash::key_hash;
use crate::model::hash_range::HashRange;
use crate::model::namespace::DEFAULT_NAMESPACE;
use crate::recovery::load::Loaded;
use crate::recovery::parts::{Part, RecoveredParts, recover_parts};

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Opens an empty directory that owns the keys whose hashes are in `range`, and whose state is made of `parts`
    /// of other directories' checkpoints. This divides a state, and joins divided ones.
    ///
    /// Nothing is copied: the first checkpoint names the segments of the other directories, and compaction brings
    /// their records here over time. Until then, the other directories must stay, and
    /// [`open_with`](Self::open_with) needs them. A checkpoint that is [not
    /// incremental](CheckpointConfig::with_incremental) is complete in itself.
    ///
    /// `stores` has the directories of segments that the parts themselves name elsewhere. WALs are not replayed, and
    /// of the options, those that choose a checkpoint do not count. The position in the stream is that of the parts.
    ///
    /// - A directory that holds checkpoints, parts that overlap or that are not within `range`, and parts with
    ///   different positions or namespaces are [`InvalidInput`](Error::InvalidInput).
    /// - A checkpoint that does not exist is [`NotFound`](Error::NotFound). Damage is an error that names the file.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use alluvium_core::directory::{MemoryDirectory, Stores, block_on};
    /// use alluvium_core::model::hash_range::HashRange;
    /// use alluvium_core::recovery::Part;
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    ///
    /// # let options = |store| OpenOptions::new(Arc::new(ManualClock::new(0))).create(true).store_id([store; 16]);
    /// let whole = Arc::new(MemoryDirectory::new());
    /// let config = CheckpointConfig::new();
    /// let mut manager = block_on(IncrementalCheckpointManager::open(whole.clone(), config.clone(), options(1)))?;
    /// (0..100_u8).try_for_each(|key| manager.put(&[key], b"a value"))?;
    /// let checkpoint = block_on(manager.create_checkpoint(0))?.id;
    ///
    /// let lower = HashRange::new(0, u64::MAX / 2)?;
    /// let parts = [Part::new(whole, checkpoint, lower)];
    /// let half = Arc::new(MemoryDirectory::new());
    /// let half = block_on(IncrementalCheckpointManager::open_parts(half, &parts, Stores::new(), lower, config, options(2)))?;
    /// assert!(half.len() < 100 && half.iter().all(|(key, _)| half.owns(key)));
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub async fn open_parts(
        directory: Arc<D>,
        parts: &[Part<D>],
        stores: Stores<D>,
        range: HashRange,
        config: CheckpointConfig,
        options: OpenOptions,
    ) -> Result<Self, Error> {
        config.validate()?;
        if let Some(part) = parts.iter().find(|part| !range.covers(part.range().first(), part.range().last())) {
            let (first, last) = (part.range().first(), part.range().last());
            let what = format!("a part has the hashes {first:016x} to {last:016x}, which the directory does not own");
            return Err(Error::InvalidInput(what));
        }
        let listing = Listing::take(&*directory).await?;
        if !listing.checkpoints.is_empty() {
            return Err(Error::InvalidInput("the directory holds checkpoints: parts begin an empty one".into()));
        }
        listing.check_not_lost()?;
        let RecoveredParts { loaded, position, namespaces, stores } = recover_parts(parts, stores).await?;
        let Loaded { state, mut spaces, segments, .. } = loaded;
        spaces.keep_in_order();
        let mut manager = Self::empty(directory, stores, config, options, &listing)?;
        manager.live = LiveState { state, spaces, position, owned: range, ..LiveState::default() };
        let mut pages = manager.ledger.lock();
        pages.segments = segments;
        pages.standing.namespaces = namespaces;
        pages.standing.range = (range != HashRange::ALL).then_some(range);
        drop(pages);
        Ok(manager)
    }
}

impl<D> IncrementalCheckpointManager<D> {
    /// Returns the range of hashes of the keys that the directory owns. Mutations of other keys are refused with
    /// [`InvalidInput`](Error::InvalidInput).
    pub fn owned_range(&self) -> HashRange {
        self.live.owned
    }

    /// Refuses a key of a namespace that the directory does not own.
    pub(super) fn check_owns(&self, namespace: u32, key: &[u8]) -> Result<(), Error> {
        if self.live.owned == HashRange::ALL {
            return Ok(());
        }
        let hash = match namespace {
            DEFAULT_NAMESPACE => key_hash(key),
            id => self.live.spaces.get(id)?.place(key, None)?,
        };
        self.live.check_owned(hash, key)
    }

    /// Tells whether the directory owns a key of the default namespace.
    pub fn owns(&self, key: &[u8]) -> bool {
        self.live.owned.contains(key_hash(key))
    }
}

impl LiveState {
    /// Refuses a key that the directory does not own, given the hash by which its record is placed.
    #[inline]
    pub(super) fn check_owned(&self, hash: u64, key: &[u8]) -> Result<(), Error> {
        if self.owned.contains(hash) { Ok(()) } else { Err(self.not_owned(hash, key)) }
    }

    #[cold]
    fn not_owned(&self, hash: u64, key: &[u8]) -> Error {
        let (first, last) = (self.owned.first(), self.owned.last());
        let key = String::from_utf8_lossy(&key[..key.len().min(64)]);
        Error::InvalidInput(format!(
            "the key {key:?} has the hash {hash:016x}, and the directory owns {first:016x} to {last:016x}"
        ))
    }
}
