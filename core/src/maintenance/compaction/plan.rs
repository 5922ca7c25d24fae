//! Decides what a compaction rewrites.

use crate::format::segment::{Chunk, SegmentKind};
use crate::ledger::live_segment::LiveSegment;
use crate::model::key_groups::{KEY_GROUPS, KeyGroups};

/// Deltas may always hold this many bytes, because reading them takes too little time to matter.
const DELTA_BYTES_FREE: u64 = 256 << 10;

/// A compaction rewrites groups of at least this many bytes, so that a small state stays in one file.
const RUN_BYTES_MIN: u64 = 1 << 20;

/// Beyond [`RUN_BYTES_MIN`], a compaction rewrites at most this many times the bytes of the checkpoint's own
/// delta.
const RUN_DELTA_MAX: u64 = 4;

/// Once there are more small deltas than this, they are merged into one.
const SMALL_DELTAS_MAX: usize = 32;

/// What a compaction will do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// It rewrites nothing.
    Nothing,
    /// It writes new bases for these groups.
    Base(KeyGroups),
    /// It writes one delta in place of the segments at these positions.
    Merge(std::ops::Range<usize>),
}

/// What the plan is decided from, beside the segments.
#[derive(Debug, Clone)]
pub(crate) struct CompactionInput {
    /// How many bytes the live keys and values of each key group have.
    pub(crate) group_bytes: Vec<u64>,
    /// How many bytes the newest delta has.
    pub(crate) delta_bytes: u64,
    /// How many bytes recovery may read for each live byte.
    pub(crate) read_ratio: f64,
    /// The most bytes that the caller lets one compaction rewrite.
    pub(crate) max_bytes: u64,
}

/// Decides what to rewrite. The decision depends on its arguments alone, so that every platform
/// decides the same.
pub(crate) fn plan(segments: &[LiveSegment], compaction_input: &CompactionInput) -> Plan {
    let deltas = || segments.iter().filter(|segment| segment.entry.kind == SegmentKind::Delta);
    let live: u64 = compaction_input.group_bytes.iter().sum();
    // Compaction begins one group early: it runs once after each checkpoint and rewrites whole groups,
    // and the ratio must hold in between.
    let early = f64::from(KEY_GROUPS) / f64::from(KEY_GROUPS + 1);
    let allowed = ((compaction_input.read_ratio - 1.0) * live as f64 * early) as u64;
    let allowed = allowed.max(DELTA_BYTES_FREE);
    let mut held: u64 = deltas().map(|delta| delta.bytes_for(KeyGroups::ALL)).sum();
    if held > allowed {
        let mut run = KeyGroups::NONE;
        let mut bytes = 0;
        for group in oldest_first(segments) {
            let one = KeyGroups::range(group, group);
            let group_bytes = compaction_input.group_bytes[usize::from(group)];
            let enough = held <= allowed && bytes >= RUN_BYTES_MIN;
            let too_much = bytes >= RUN_BYTES_MIN && bytes + group_bytes > RUN_DELTA_MAX * compaction_input.delta_bytes;
            let more_than_allowed = !run.is_empty() && bytes + group_bytes > compaction_input.max_bytes;
            if enough || too_much || more_than_allowed {
                break;
            }
            run = run.union(one);
            bytes += group_bytes;
            held = held.saturating_sub(deltas().map(|delta| share(delta, one)).sum());
        }
        return Plan::Base(run);
    }
    // Recovery would notice the number of small deltas, not their bytes. Their limit is chosen so that
    // enough of them to be merged have no more bytes than the caller allows.
    let small = (allowed / 128).max(DELTA_BYTES_FREE).min(compaction_input.max_bytes / (SMALL_DELTAS_MAX as u64 + 1));
    let first_delta = segments.len() - deltas().count();
    let is_small = |segment: &&LiveSegment| segment.entry.kind == SegmentKind::Delta && segment.entry.bytes < small;
    let mut merged_bytes = 0;
    let fits = |segment: &&LiveSegment| {
        merged_bytes += segment.entry.bytes;
        merged_bytes <= compaction_input.max_bytes
    };
    let tail = segments.iter().rev().take_while(is_small).take_while(fits).count();
    if tail > SMALL_DELTAS_MAX {
        return Plan::Merge(segments.len().saturating_sub(tail).max(first_delta)..segments.len());
    }
    Plan::Nothing
}

/// Returns about how many bytes of a delta belong to one group. It is an estimate, because a chunk may
/// hold several groups.
fn share(delta: &LiveSegment, group: KeyGroups) -> u64 {
    let wanted = group.intersection(delta.groups());
    let part = |chunk: &Chunk| {
        let (first, last) = (chunk.first_group(), chunk.last_group());
        let touched = !KeyGroups::range(first, last).intersection(wanted).is_empty();
        if touched { u64::from(chunk.bytes) / u64::from(last - first + 1) } else { 0 }
    };
    delta.chunks.iter().map(part).sum()
}

/// Returns the key groups, those with the oldest base first. Groups of the same age are in order of their
/// number.
fn oldest_first(segments: &[LiveSegment]) -> Vec<u16> {
    let age = |group: &u16| {
        let covers =
            |segment: &&LiveSegment| segment.entry.kind == SegmentKind::Base && segment.groups().contains(*group);
        segments.iter().filter(covers).map(|segment| segment.entry.checkpoint_id).max().unwrap_or(0)
    };
    let mut groups: Vec<(u64, u16)> = (0..KEY_GROUPS).map(|group| (age(&group), group)).collect();
    groups.sort_unstable();
    groups.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::segment_entry::SegmentEntry;

    fn segment(kind: SegmentKind, checkpoint_id: u64, bytes: u32, groups: KeyGroups) -> LiveSegment {
        let ranges = groups.to_ranges();
        let (first, last) = (ranges[0].0, ranges[ranges.len() - 1].1);
        let each = bytes / u32::from(last - first + 1);
        let chunk = |group| {
            let hash = u64::from(group) << 58;
            Chunk { offset: 72, bytes: each, records: 1, first_hash: hash, last_hash: hash, ..Chunk::default() }
        };
        LiveSegment {
            entry: SegmentEntry {
                kind,
                number: checkpoint_id,
                checkpoint_id,
                bytes: u64::from(bytes),
                chunks: u32::from(last - first + 1),
                groups: ranges,
                ..SegmentEntry::default()
            },
            chunks: (first..=last).map(chunk).collect(),
        }
    }

    fn compaction_input(live: u64, delta_bytes: u64) -> CompactionInput {
        CompactionInput { group_bytes: vec![live / 64; 64], delta_bytes, read_ratio: 1.25, max_bytes: u64::MAX }
    }

    #[test]
    fn small_states_are_rewritten_whole() {
        let segments = [
            segment(SegmentKind::Base, 1, 300_000, KeyGroups::ALL),
            segment(SegmentKind::Delta, 2, 300_000, KeyGroups::ALL),
        ];
        assert_eq!(plan(&segments, &compaction_input(300_000, 300_000)), Plan::Base(KeyGroups::ALL));
        assert_eq!(plan(&segments[..1], &compaction_input(300_000, 0)), Plan::Nothing);
    }

    #[test]
    fn large_states_roll_from_the_oldest_base() {
        let segments = [
            segment(SegmentKind::Base, 1, 40 << 20, KeyGroups::range(20, 63)),
            segment(SegmentKind::Base, 2, 40 << 20, KeyGroups::range(0, 19)),
            segment(SegmentKind::Delta, 3, 33 << 20, KeyGroups::ALL),
        ];
        assert_eq!(plan(&segments, &compaction_input(128 << 20, 1 << 20)), Plan::Base(KeyGroups::range(20, 21)));
    }

    #[test]
    fn many_small_deltas_become_one() {
        let mut segments = vec![segment(SegmentKind::Base, 1, 40 << 20, KeyGroups::ALL)];
        segments.extend((2..=40).map(|id| segment(SegmentKind::Delta, id, 6_400, KeyGroups::ALL)));
        assert_eq!(plan(&segments, &compaction_input(40 << 20, 6_400)), Plan::Merge(1..40));
    }

    #[test]
    fn no_more_is_rewritten_than_the_caller_allows() {
        let bounded =
            |max_bytes, live, delta_bytes| CompactionInput { max_bytes, ..compaction_input(live, delta_bytes) };
        let base = segment(SegmentKind::Base, 1, 128 << 20, KeyGroups::ALL);
        let segments = [base.clone(), segment(SegmentKind::Delta, 2, 60 << 20, KeyGroups::ALL)];
        let groups = |max_bytes| plan(&segments, &bounded(max_bytes, 128 << 20, 4 << 20));
        assert_eq!(groups(u64::MAX), Plan::Base(KeyGroups::range(0, 7)));
        assert_eq!(groups(6 << 20), Plan::Base(KeyGroups::range(0, 2)));
        assert_eq!(groups(0), Plan::Base(KeyGroups::range(0, 0)));

        let mut segments = vec![base];
        segments.extend((2..=40).map(|id| segment(SegmentKind::Delta, id, 6_400, KeyGroups::ALL)));
        let merged = |max_bytes| plan(&segments, &bounded(max_bytes, 128 << 20, 6_400));
        assert_eq!(merged(u64::MAX), Plan::Merge(1..40));
        assert_eq!(merged(36 * 6_400), Plan::Merge(4..40));
        assert_eq!(merged(32 * 6_400), Plan::Nothing);
    }
}
