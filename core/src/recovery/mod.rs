//! Recovery: from a directory to the state, offsets, watermark and epoch of one checkpoint, all of
//! them or an error.

pub(crate) mod laminar;
mod prefetch;
pub(crate) mod wal_replay;

use std::ops::RangeInclusive;

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::segment::{Chunk, SegmentKind};
use crate::format::wal::WalPosition;
use crate::ledger::listing::{Listing, read_metadata};
use crate::ledger::segment_reader::{Groups, LiveSegment, SegmentData, read_segment};
use crate::model::hash::KEY_GROUPS;
use crate::recovery::prefetch::Prefetch;
use crate::recovery::wal_replay::{ReplayedWal, replay};
use crate::seeded_defects::{self, Defect};
use crate::state::{State, Tail, out_of_addresses};
use crate::tools::inspect::load_state;

/// What to recover.
///
/// ```
/// use alluvium_core::recovery::{RecoverOptions, recover};
/// use alluvium_core::directory::{block_on, MemoryDirectory};
///
/// let nothing = block_on(recover(&MemoryDirectory::new(), &RecoverOptions::new()))?;
/// assert!(nothing.is_none());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RecoverOptions {
    checkpoint: Option<u64>,
    allow_fallback: bool,
    groups: RangeInclusive<u16>,
    replay_wal: bool,
    repair_wal: bool,
    max_wal_entries: u64,
}

impl Default for RecoverOptions {
    fn default() -> Self {
        Self {
            checkpoint: None,
            allow_fallback: false,
            groups: 0..=KEY_GROUPS - 1,
            replay_wal: true,
            repair_wal: true,
            max_wal_entries: 0,
        }
    }
}

impl RecoverOptions {
    /// The newest checkpoint, all of it, without falling back.
    pub fn new() -> Self {
        Self::default()
    }

    /// One kept checkpoint instead of the newest.
    #[must_use]
    pub fn checkpoint(self, checkpoint: Option<u64>) -> Self {
        Self { checkpoint, ..self }
    }

    /// Whether a damaged newest checkpoint may be passed over for an older one.
    #[must_use]
    pub fn allow_fallback(self, allow_fallback: bool) -> Self {
        Self { allow_fallback, ..self }
    }

    /// Whether logs after the newest checkpoint are replayed. Default true; a checkpoint that was
    /// asked for by its id is never replayed upon.
    #[must_use]
    pub fn replay_wal(self, replay_wal: bool) -> Self {
        Self { replay_wal, ..self }
    }

    /// Whether a torn tail of the log is cut (true, the default) or an error.
    #[must_use]
    pub fn repair_wal(self, repair_wal: bool) -> Self {
        Self { repair_wal, ..self }
    }

    /// Stops replaying after the log in which this many mutations are reached; 0 is no limit.
    #[must_use]
    pub fn max_wal_entries(self, max_wal_entries: u64) -> Self {
        Self { max_wal_entries, ..self }
    }

    pub(crate) fn cuts_torn_tail(&self) -> bool {
        self.repair_wal
    }

    pub(crate) fn allows_fallback(&self) -> bool {
        self.allow_fallback
    }

    pub(crate) fn has_enough(&self, entries: u64) -> bool {
        self.max_wal_entries > 0 && entries >= self.max_wal_entries
    }

    /// Only the records of these key groups, of the checkpoint and of the logs after it: for an instance
    /// that owns some of them. Each part of a file that is read is checked; the digest of the whole state
    /// can be held only to all groups.
    #[must_use]
    pub fn groups(self, groups: RangeInclusive<u16>) -> Self {
        Self { groups, ..self }
    }
}

/// A checkpoint that recovery passed over, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedCheckpoint {
    /// Its id.
    pub id: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Where replaying the log ended early, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedWal {
    /// The first log that was not replayed.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A recovered checkpoint.
#[derive(Debug)]
pub struct RecoveredCheckpoint {
    /// Its metadata: epoch, offsets, watermark, position.
    pub metadata: IncrementalCheckpointMetadata,
    /// Its state. Empty when the original wrote it: its state is opaque, in `state.bin`.
    pub state: State,
    /// Newer checkpoints that were passed over because they are damaged; newest first.
    pub skipped: Vec<SkippedCheckpoint>,
    /// Bytes of segments and logs that were read.
    pub bytes_read: u64,
    /// What the logs after the checkpoint added.
    pub wal: ReplayedWal,
    pub(crate) segments: Vec<LiveSegment>,
}

impl RecoveredCheckpoint {
    /// Where in the stream the state is: after the last log, or at the checkpoint.
    pub fn position(&self) -> WalPosition {
        let metadata = &self.metadata;
        self.wal.position.clone().filter(|_| !seeded_defects::is(Defect::MixEpochs)).unwrap_or_else(|| WalPosition {
            epoch: metadata.epoch,
            wal_position: metadata.wal_position,
            watermark: metadata.watermark,
            source_offsets: metadata.source_offsets.clone(),
            annotations: metadata.alluvium.as_ref().map(|fields| fields.annotations.clone()).unwrap_or_default(),
            key_count: self.state.len() as u64,
            state_bytes: self.state.payload_bytes(),
            state_digest: self.state.digest(),
        })
    }
}

/// Recovers the newest checkpoint, or the one asked for; `None` when the directory has none at all.
pub async fn recover<D: Directory>(
    directory: &D,
    options: &RecoverOptions,
) -> Result<Option<RecoveredCheckpoint>, Error> {
    let listing = Listing::take(directory).await?;
    recover_listed(directory, options, &listing).await
}

pub(crate) async fn recover_listed<D: Directory>(
    directory: &D,
    options: &RecoverOptions,
    listing: &Listing,
) -> Result<Option<RecoveredCheckpoint>, Error> {
    let (first, last) = (*options.groups.start(), *options.groups.end());
    if first > last || last >= KEY_GROUPS {
        return Err(Error::InvalidInput(format!("key groups {first} to {last}: they go from 0 to {}", KEY_GROUPS - 1)));
    }
    let groups = Groups::range(first, last);
    if let Some(id) = options.checkpoint {
        if !listing.checkpoints.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} does not exist; {}", known(listing))));
        }
        return recover_one(directory, id, groups).await.map(Some);
    }
    let mut skipped = Vec::new();
    for &id in listing.checkpoints.iter().rev() {
        match recover_one(directory, id, groups).await {
            Ok(recovered) => {
                let mut recovered = RecoveredCheckpoint { skipped, ..recovered };
                if options.replay_wal {
                    replay(directory, options, listing, groups, &mut recovered).await?;
                }
                return Ok(Some(recovered));
            }
            // An I/O error says nothing about the checkpoint: going on with an older one would lose
            // it for no reason.
            Err(error) if options.allow_fallback && !error.is_transient() => {
                skipped.push(SkippedCheckpoint { id, reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    if skipped.is_empty() {
        return Ok(None);
    }
    let reasons: Vec<String> = skipped.iter().map(|skipped| format!("{}: {}", skipped.id, skipped.reason)).collect();
    Err(Error::Recovery(format!("no checkpoint is whole: {}", reasons.join("; "))))
}

fn known(listing: &Listing) -> String {
    match (listing.checkpoints.first(), listing.checkpoints.last()) {
        (Some(first), Some(last)) => format!("{} are kept, from {first} to {last}", listing.checkpoints.len()),
        _ => "the directory has none".into(),
    }
}

async fn recover_one<D: Directory>(directory: &D, id: u64, groups: Groups) -> Result<RecoveredCheckpoint, Error> {
    let metadata = read_metadata(directory, id).await?;
    let mut state = State::new();
    let mut tail = Tail::default();
    let mut segments = Vec::new();
    let mut bytes_read = 0;
    if let Some(fields) = &metadata.alluvium {
        // One file in memory at a time, or a few where others read them; records go straight into the arena.
        let read =
            async |entry| Ok::<_, Error>((entry, read_segment(directory, fields.store_id, entry, None, groups).await?));
        let mut files = Prefetch::new(fields.segments.iter().map(|entry| (entry.bytes, read(entry))));
        while let Some((entry, data)) = files.next().await.transpose()? {
            bytes_read += data.bytes_read;
            if entry.kind == SegmentKind::Base {
                reserve(&mut state, &mut tail, &data.chunks, groups);
                append_all(&mut state, &mut tail, &data)?;
            } else {
                tail = Tail::default();
                // What a delta overwrites lies anywhere: some at a time.
                data.for_each_chunk(&mut |records| state.apply(records))?;
            }
            segments.push(LiveSegment { entry: entry.clone(), chunks: data.chunks });
        }
        if groups == Groups::ALL {
            let place = format!("checkpoint {id}");
            check_state(&place, metadata.key_count, fields.state_bytes, fields.state_digest, &state)?;
        }
    }
    let wal = ReplayedWal::default();
    if metadata.alluvium.is_none() {
        // Never half: offsets without the state that belongs to them are not a checkpoint.
        match load_state(directory, id).await {
            Ok(_) | Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(RecoveredCheckpoint { metadata, state, skipped: Vec::new(), bytes_read, wal, segments })
}

/// A base's records, each behind the one before, without looking for it.
#[cfg_attr(alluvium_page, optimize(speed))]
fn append_all(state: &mut State, tail: &mut Tail, data: &SegmentData) -> Result<(), Error> {
    data.for_each(|record| {
        if let Some(value) = record.value {
            state.growth_for(record.key, value).ok_or_else(out_of_addresses)?;
            state.append_hashed(tail, record.hash, record.key, value);
        } else {
            state.delete_hashed(record.hash, record.key);
        }
        Ok(())
    })
}

/// Bases hold each key once, so their counts are what the tables will hold. Once a group: making
/// room moves its whole table.
fn reserve(state: &mut State, tail: &mut Tail, chunks: &[Chunk], groups: Groups) {
    for run in chunks.chunk_by(|a, b| a.last_group == b.first_group) {
        let (first, last) = (run[0].first_group, run[run.len() - 1].last_group);
        let records: usize = run.iter().map(|chunk| chunk.records as usize).sum();
        for group in (first..=last).filter(|group| groups.contains(*group)) {
            state.reserve(tail, group, records / usize::from(last - first + 1));
        }
    }
}

/// The state must be the one that was checkpointed, even where every file's checksum holds: a delta
/// lost or applied twice shows here.
pub(crate) fn check_state(place: &str, keys: u64, bytes: u64, digest: u64, state: &State) -> Result<(), Error> {
    let (found_keys, found_bytes) = (state.len() as u64, state.payload_bytes());
    if (found_keys, found_bytes) != (keys, bytes) {
        let what = format!("{found_keys} keys of {found_bytes} bytes recovered, {keys} of {bytes} expected");
        return Err(Error::corrupt(place, what));
    }
    if state.digest() != digest {
        let what = format!("state digest: expected {digest:016x}, found {:016x}", state.digest());
        return Err(Error::corrupt(place, what));
    }
    Ok(())
}
