//! Executes the plan of a compaction: reads the old segments and encodes the new ones in memory.

use crate::changelog::dedup::Sort;
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::{EncodedSegment, Encoder, SegmentIdentity, SegmentKind};
use crate::ledger::live_segment::LiveSegment;
use crate::ledger::prefetch::Prefetch;
use crate::ledger::replacement::Replacement;
use crate::ledger::segment_reader::{SegmentData, SegmentSource};
use crate::maintenance::compaction::plan::Plan;
use crate::model::key_groups::KeyGroups;
use crate::model::record::Record;

/// A compaction that was executed in memory. None of its files is created yet.
pub(crate) struct Compacted {
    /// The new segments and what they replace.
    pub(crate) replacement: Replacement,
    /// The contents of the replacement's segments.
    pub(crate) files: Vec<EncodedSegment>,
    /// How many bytes were read for it.
    pub(crate) bytes_read: u64,
}

/// Executes a plan. `first` is what the first new segment is bound to, except its kind. Returns `None` if
/// there is nothing to do.
pub(crate) async fn execute<D: Directory>(
    source: &SegmentSource<'_, D>,
    segments: &[LiveSegment],
    plan: &Plan,
    first: SegmentIdentity,
) -> Result<Option<Compacted>, Error> {
    let (kind, groups, sources) = match plan {
        Plan::Nothing => return Ok(None),
        Plan::Base(groups) => (SegmentKind::Base, *groups, 0..segments.len()),
        Plan::Merge(range) => (SegmentKind::Delta, KeyGroups::ALL, range.clone()),
    };
    let wanted = |segment: &LiveSegment| segment.groups().intersection(groups);
    let sources: Vec<&LiveSegment> = segments[sources].iter().filter(|segment| !wanted(segment).is_empty()).collect();
    let superseded = sources.iter().map(|segment| (segment.entry.clone(), wanted(segment))).collect();
    let read = async |segment: &LiveSegment| source.read(&segment.entry, Some(&segment.chunks), wanted(segment)).await;
    let mut files = Prefetch::new(sources.iter().map(|segment| (segment.entry.bytes, read(segment))));
    let mut data: Vec<SegmentData> = Vec::new();
    while let Some(file) = files.next().await.transpose()? {
        data.push(file);
    }
    let bytes_read = data.iter().map(|data| data.bytes_read).sum();
    // The records of each part stay where they are read, because moving all of them would be a long step.
    let mut records: Vec<Vec<Record<'_>>> = Vec::new();
    let (mut places, mut record_bytes) = (Vec::new(), 0);
    for data in &data {
        for part in data.parts() {
            let mut of_part = Vec::new();
            data.read_part(part?, &mut of_part)?;
            let first = (records.len() as u64) << 32;
            places.extend((first..).zip(&of_part).map(|(at, record)| (record.hash, at)));
            record_bytes += of_part.iter().map(|record| 1 + record.payload_bytes()).sum::<usize>();
            records.push(of_part);
            source.pause().await;
        }
    }
    let mut sort = Sort::new(places);
    while sort.step() {
        source.pause().await;
    }
    let mut encoder = Encoder::new(SegmentIdentity { kind, ..first }, record_bytes);
    for record in sort.newest(|at| records[(at >> 32) as usize][at as u32 as usize]) {
        if encoder.push(&record) {
            source.pause().await;
        }
    }
    let files = encoder.finish();
    let segments = files.iter().map(LiveSegment::of_encoded).collect();
    Ok(Some(Compacted { replacement: Replacement { superseded, segments }, files, bytes_read }))
}
