//! Recovery: from a directory to the state, offsets, watermark and epoch of one checkpoint, all of
//! them or an error.

use std::ops::RangeInclusive;

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::segment::{Chunk, SegmentKind};
use crate::hash::KEY_GROUPS;
use crate::segments::{Groups, LiveSegment, read_segment};
use crate::state::{State, out_of_addresses};
use crate::survey::{Survey, read_metadata};

/// What to recover.
///
/// ```
/// use alluvium_core::recover::{RecoverOptions, recover};
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
}

impl Default for RecoverOptions {
    fn default() -> Self {
        Self { checkpoint: None, allow_fallback: false, groups: 0..=KEY_GROUPS - 1 }
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

    /// Only the records of these key groups: for an instance that owns some of them.
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

/// A recovered checkpoint.
#[derive(Debug)]
pub struct RecoveredCheckpoint {
    /// Its metadata: epoch, offsets, watermark, position.
    pub metadata: IncrementalCheckpointMetadata,
    /// Its state. Empty when the original wrote it: its state is opaque, in `state.bin`.
    pub state: State,
    /// Newer checkpoints that were passed over because they are damaged; newest first.
    pub skipped: Vec<SkippedCheckpoint>,
    /// Bytes of segments that were read.
    pub bytes_read: u64,
    pub(crate) segments: Vec<LiveSegment>,
}

/// Recovers the newest checkpoint, or the one asked for; `None` when the directory has none at all.
pub async fn recover<D: Directory>(
    directory: &D,
    options: &RecoverOptions,
) -> Result<Option<RecoveredCheckpoint>, Error> {
    let survey = Survey::take(directory).await?;
    recover_surveyed(directory, options, &survey).await
}

pub(crate) async fn recover_surveyed<D: Directory>(
    directory: &D,
    options: &RecoverOptions,
    survey: &Survey,
) -> Result<Option<RecoveredCheckpoint>, Error> {
    let (first, last) = (*options.groups.start(), *options.groups.end());
    if first > last || last >= KEY_GROUPS {
        return Err(Error::InvalidInput(format!("key groups {first} to {last}: they go from 0 to {}", KEY_GROUPS - 1)));
    }
    let groups = Groups::range(first, last);
    if let Some(id) = options.checkpoint {
        if !survey.checkpoints.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} does not exist; {}", known(survey))));
        }
        return recover_one(directory, id, groups).await.map(Some);
    }
    let mut skipped = Vec::new();
    for &id in survey.checkpoints.iter().rev() {
        match recover_one(directory, id, groups).await {
            Ok(recovered) => return Ok(Some(RecoveredCheckpoint { skipped, ..recovered })),
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

fn known(survey: &Survey) -> String {
    match (survey.checkpoints.first(), survey.checkpoints.last()) {
        (Some(first), Some(last)) => format!("{} are kept, from {first} to {last}", survey.checkpoints.len()),
        _ => "the directory has none".into(),
    }
}

async fn recover_one<D: Directory>(directory: &D, id: u64, groups: Groups) -> Result<RecoveredCheckpoint, Error> {
    let metadata = read_metadata(directory, id).await?;
    let mut state = State::new();
    let mut segments = Vec::new();
    let mut bytes_read = 0;
    if let Some(fields) = &metadata.alluvium {
        // One file in memory at a time; its records go straight into the arena.
        for entry in &fields.segments {
            let data = read_segment(directory, fields.store_id, entry, None, groups).await?;
            bytes_read += data.bytes_read;
            if entry.kind == SegmentKind::Base {
                // Bases hold each key once, so their counts are what the tables will hold.
                let alone =
                    |chunk: &&Chunk| chunk.first_group == chunk.last_group && groups.contains(chunk.first_group);
                for chunk in data.chunks.iter().filter(alone) {
                    state.reserve(chunk.first_group, chunk.records as usize);
                }
            }
            data.for_each(|record| {
                match record.value {
                    Some(value) => {
                        state.growth_for(record.key, value).ok_or_else(out_of_addresses)?;
                        state.put_hashed(record.hash, record.key, value);
                    }
                    None => {
                        state.delete_hashed(record.hash, record.key);
                    }
                }
                Ok(())
            })?;
            segments.push(LiveSegment { entry: entry.clone(), chunks: data.chunks });
        }
        if groups == Groups::ALL {
            check_state(id, &metadata, fields.state_digest, fields.state_bytes, &state)?;
        }
    }
    Ok(RecoveredCheckpoint { metadata, state, skipped: Vec::new(), bytes_read, segments })
}

/// The state must be the one that was checkpointed, even where every file's checksum holds: a delta
/// lost or applied twice shows here.
fn check_state(
    id: u64,
    metadata: &IncrementalCheckpointMetadata,
    digest: u64,
    bytes: u64,
    state: &State,
) -> Result<(), Error> {
    let place = format!("checkpoint {id}");
    if state.len() as u64 != metadata.key_count || state.payload_bytes() != bytes {
        return Err(Error::corrupt(
            place,
            format!(
                "{} keys of {} bytes recovered, {} of {bytes} expected",
                state.len(),
                state.payload_bytes(),
                metadata.key_count
            ),
        ));
    }
    if state.digest() != digest {
        return Err(Error::corrupt(
            place,
            format!("state digest: expected {digest:016x}, found {:016x}", state.digest()),
        ));
    }
    Ok(())
}
