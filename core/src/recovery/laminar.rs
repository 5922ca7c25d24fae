//! Recovery under LaminarDB's names: a configuration, a manager, and the state that it recovers.

use std::collections::BTreeMap;

use crate::directory::{Directory, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::find_state;
use crate::recovery::recover::{recover, recover_current};
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint};
use crate::state::State;

/// How [`RecoveryManager`] recovers. LaminarDB's configuration also has paths; here the directory is
/// passed to [`recover`](RecoveryManager::recover) instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryConfig {
    /// Whether a torn tail of the WAL is cut off (true, the default) or is an error.
    pub repair_wal: bool,
    /// Whether the replayed mutations of the WAL are collected too. The default is false.
    pub collect_state_changes: bool,
    /// Replay stops after the WAL file in which this many mutations are reached. The default, 0, means no
    /// limit.
    pub max_wal_entries: u64,
    /// Whether an older checkpoint may be recovered if the newest is damaged. The default is false.
    pub allow_fallback: bool,
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        Self { repair_wal: true, collect_state_changes: false, max_wal_entries: 0, allow_fallback: false }
    }
}

impl RecoveryConfig {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`repair_wal`](Self::repair_wal).
    #[must_use]
    pub fn with_repair_wal(self, repair_wal: bool) -> Self {
        Self { repair_wal, ..self }
    }

    /// Sets [`collect_state_changes`](Self::collect_state_changes).
    #[must_use]
    pub fn with_collect_state_changes(self, collect_state_changes: bool) -> Self {
        Self { collect_state_changes, ..self }
    }

    /// Sets [`max_wal_entries`](Self::max_wal_entries).
    #[must_use]
    pub fn with_max_wal_entries(self, max_wal_entries: u64) -> Self {
        Self { max_wal_entries, ..self }
    }

    /// Sets [`allow_fallback`](Self::allow_fallback).
    #[must_use]
    pub fn with_allow_fallback(self, allow_fallback: bool) -> Self {
        Self { allow_fallback, ..self }
    }
}

/// A mutation that was replayed from the WAL: the key, and its value, or `None` for a delete.
pub type StateChange = (Vec<u8>, Option<Vec<u8>>);

/// What recovery returns: state, offsets, watermark and epoch of one moment in the stream.
#[derive(Debug, Default)]
pub struct RecoveredState {
    /// The epoch.
    pub epoch: u64,
    /// The keyed state.
    pub state: State,
    /// The caller's opaque state, if the checkpoint has one.
    pub opaque_state: Option<Vec<u8>>,
    /// The caller's position in the caller's own WAL.
    pub wal_position: u64,
    /// How many mutations of the WAL were replayed on top of the checkpoint.
    pub wal_entries_replayed: u64,
    /// The offset of each source: how far it was consumed.
    pub source_offsets: BTreeMap<String, u64>,
    /// The watermark, in milliseconds of Unix time.
    pub watermark: Option<i64>,
    /// The id of the checkpoint. It is `None` if the directory has no checkpoint.
    pub checkpoint_id: Option<u64>,
    /// The replayed mutations of the WAL, oldest first, if they were asked for.
    pub state_changes: Vec<StateChange>,
}

impl RecoveredState {
    /// Returns what a fresh start recovers: no state, and no checkpoint.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Tells whether there is any state, keyed or opaque.
    pub fn has_state(&self) -> bool {
        !self.state.is_empty() || self.opaque_state.is_some()
    }
}

/// Recovers without opening the directory for writing.
///
/// ```
/// use alluvium_core::directory::{block_on, MemoryDirectory};
/// use alluvium_core::{RecoveryConfig, RecoveryManager};
///
/// let recovered = block_on(RecoveryManager::new(RecoveryConfig::new()).recover(&MemoryDirectory::new()))?;
/// assert!(!recovered.has_state() && recovered.checkpoint_id.is_none());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RecoveryManager {
    config: RecoveryConfig,
}

impl RecoveryManager {
    /// Creates a manager that recovers as `config` says.
    pub fn new(config: RecoveryConfig) -> Self {
        Self { config }
    }

    /// Recovers the newest checkpoint and the WAL after it. A directory without a checkpoint is a fresh
    /// start. The errors are those of [`recovery::recover`](crate::recovery::recover).
    pub async fn recover<D: Directory>(&self, directory: &D) -> Result<RecoveredState, Error> {
        let options = RecoverOptions::new()
            .allow_fallback(self.config.allow_fallback)
            .repair_wal(self.config.repair_wal)
            .max_wal_entries(self.config.max_wal_entries);
        let mut listing = Listing::take_beside_writer(directory).await?;
        let (recovered, opaque_state) = loop {
            let recovered = recover_current(directory, &Stores::new(), &options, &mut listing).await?;
            let Some(recovered) = recovered else { return Ok(RecoveredState::empty()) };
            let id = recovered.metadata.id;
            match find_state(directory, id).await {
                Ok(state) => break (recovered, state),
                Err(error) if listing.renew(directory, Some(id), &error).await => {}
                Err(error) => return Err(error),
            }
        };
        let position = recovered.position();
        let RecoveredCheckpoint { metadata, state, wal, .. } = recovered;
        let change = |(key, value): (&[u8], Option<&[u8]>)| (key.to_vec(), value.map(<[u8]>::to_vec));
        let state_changes =
            if self.config.collect_state_changes { wal.mutations().map(change).collect() } else { Vec::new() };
        Ok(RecoveredState {
            epoch: position.epoch,
            state,
            opaque_state,
            wal_position: position.wal_position,
            wal_entries_replayed: wal.entries,
            source_offsets: position.source_offsets,
            watermark: position.watermark,
            checkpoint_id: Some(metadata.id),
            state_changes,
        })
    }

    /// Recovers with the defaults.
    pub async fn recover_simple<D: Directory>(directory: &D) -> Result<RecoveredState, Error> {
        Self::default().recover(directory).await
    }

    /// Recovers with the defaults and collects the replayed mutations of the WAL.
    pub async fn recover_with_changes<D: Directory>(directory: &D) -> Result<RecoveredState, Error> {
        Self::new(RecoveryConfig::new().with_collect_state_changes(true)).recover(directory).await
    }
}

/// Checks that one checkpoint is whole, by recovering it and dropping the state. The error says what is
/// wrong; a checkpoint that does not exist is [`NotFound`](Error::NotFound).
pub async fn validate_checkpoint<D: Directory>(directory: &D, id: u64) -> Result<(), Error> {
    recover(directory, &RecoverOptions::new().checkpoint(Some(id))).await?;
    find_state(directory, id).await.map(drop)
}

/// Returns the total length of the WAL files after the newest checkpoint, in bytes. It is 0 without a
/// checkpoint.
pub async fn wal_size<D: Directory>(directory: &D) -> Result<u64, Error> {
    let listing = Listing::take(directory).await?;
    Ok(listing.checkpoints.last().map_or(0, |newest| listing.wal_bytes(*newest)))
}
