//! Loads the state that segments make together.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::{Chunk, SegmentKind};
use crate::format::segment_entry::SegmentEntry;
use crate::ledger::live_segment::LiveSegment;
use crate::ledger::prefetch::Prefetch;
use crate::ledger::segment_reader::{SegmentData, SegmentSource};
use crate::model::key_groups::KeyGroups;
use crate::model::namespace::{DEFAULT_NAMESPACE, Namespaces};
use crate::model::wanted::Wanted;
use crate::namespaces::{Spaces, Tails, apply};
use crate::state::{State, Tail, out_of_addresses};

/// What was loaded of the segments that a checkpoint names.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) state: State,
    pub(crate) spaces: Spaces,
    pub(crate) segments: Vec<LiveSegment>,
    pub(crate) bytes_read: u64,
}

/// Loads what is wanted of segments, in their order.
pub(super) async fn load<D: Directory>(
    source: &SegmentSource<'_, D>,
    entries: &[SegmentEntry],
    declared: Namespaces,
    wanted: Wanted,
) -> Result<Loaded, Error> {
    let (mut state, mut spaces) = (State::new(), Spaces::new(declared));
    let mut ends = Ends::default();
    let mut segments = Vec::new();
    let mut bytes_read = 0;
    // One file is in memory at a time, or a few where another process reads them. The records go
    // straight into the arena.
    let read = async |entry| Ok::<_, Error>((entry, source.read(entry, None, wanted).await?));
    let mut files = Prefetch::new(entries.iter().map(|entry| (entry.bytes, read(entry))));
    while let Some((entry, data)) = files.next().await.transpose()? {
        bytes_read += data.bytes_read;
        if entry.kind == SegmentKind::Base {
            reserve(&mut state, &mut ends.of_default, &data.chunks, wanted.groups);
            append_all(&mut state, &mut spaces, &mut ends, &data)?;
        } else {
            ends.end(&mut state, &mut spaces);
            // What a delta overwrites is scattered over the state, so records are applied in blocks.
            data.for_each_chunk(&mut |records| apply(&mut state, &mut spaces, records))?;
        }
        segments.push(LiveSegment { entry: entry.clone(), chunks: data.chunks });
    }
    ends.end(&mut state, &mut spaces);
    Ok(Loaded { state, spaces, segments, bytes_read })
}

/// Where the records of a base are appended.
#[derive(Default)]
struct Ends {
    of_default: Tail,
    of_spaces: Tails,
}

impl Ends {
    /// Ends appending: what comes next is not in order behind it.
    fn end(&mut self, state: &mut State, spaces: &mut Spaces) {
        state.end_append(&mut self.of_default);
        spaces.end_appends(&mut self.of_spaces);
    }
}

/// Adds the records of a base, each behind the one before, without looking up its key first.
fn append_all(state: &mut State, spaces: &mut Spaces, ends: &mut Ends, data: &SegmentData) -> Result<(), Error> {
    data.for_each(|record| {
        if record.namespace != DEFAULT_NAMESPACE {
            spaces.append(&mut ends.of_spaces, &record)?;
        } else if let Some(value) = record.value {
            state.growth_for(record.key, value).ok_or_else(out_of_addresses)?;
            state.append_hashed(&mut ends.of_default, record.hash, record.key, value);
        } else {
            state.delete_hashed(record.hash, record.key);
        }
        Ok(())
    })
}

/// Makes room for the records of a base. A base holds each key once, so its record counts are what the
/// tables will hold. It is done once for each group, because making room moves the group's whole table.
///
/// A chunk of several namespaces does not say how many records each of them has, and the rest of a group may stand in
/// the next file. For these, tables grow as records come, and get their form at the end.
fn reserve(state: &mut State, tail: &mut Tail, chunks: &[Chunk], groups: KeyGroups) {
    let is_plain = |chunk: &Chunk| !chunk.is_namespaced;
    let chunks: Vec<Chunk> = chunks.iter().copied().filter(is_plain).collect();
    for run in chunks.chunk_by(|a, b| a.last_group() == b.first_group()) {
        let (first, last) = (run[0].first_group(), run[run.len() - 1].last_group());
        let records: usize = run.iter().map(|chunk| chunk.records as usize).sum();
        for group in (first..=last).filter(|group| groups.contains(*group)) {
            state.reserve(tail, group, records / usize::from(last - first + 1));
        }
    }
}
