//! The segments that compaction creates in place of older ones.

use crate::format::segment_entry::SegmentEntry;
use crate::ledger::live_segment::LiveSegment;
use crate::model::key_groups::KeyGroups;

/// New segments that no metadata names yet, and what they replace.
#[derive(Debug)]
pub(crate) struct Replacement {
    /// The replaced segments. The groups of each are those that no longer count.
    pub(crate) superseded: Vec<(SegmentEntry, KeyGroups)>,
    /// The new segments.
    pub(crate) segments: Vec<LiveSegment>,
}

impl Replacement {
    /// Returns how many bytes the new files have.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.entry.bytes).sum()
    }

    /// Returns the paths of the new files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> + '_ {
        self.segments.iter().map(|segment| segment.entry.path())
    }

    /// Returns the segments that are left, with the new ones, in the order in which recovery applies
    /// them.
    pub(crate) fn apply(&self, segments: &[LiveSegment]) -> Vec<LiveSegment> {
        let mut left: Vec<LiveSegment> = segments
            .iter()
            .filter_map(|segment| {
                let superseded = self.superseded.iter().find(|(superseded, _)| superseded.is_same(&segment.entry));
                let groups = segment.groups().without(superseded.map_or(KeyGroups::NONE, |(_, groups)| *groups));
                let mut segment = segment.clone();
                segment.entry.groups = groups.to_ranges();
                (!groups.is_empty()).then_some(segment)
            })
            .collect();
        left.extend(self.segments.iter().cloned());
        left.sort_by_key(|segment| segment.entry.order());
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::segment::SegmentKind;

    fn segment(kind: SegmentKind, checkpoint_id: u64, groups: KeyGroups) -> LiveSegment {
        let (number, groups) = (checkpoint_id, groups.to_ranges());
        let entry = SegmentEntry { kind, number, checkpoint_id, bytes: 64_000, groups, ..SegmentEntry::default() };
        LiveSegment { entry, chunks: [].into() }
    }

    #[test]
    fn superseded_groups_no_longer_count() {
        let segments =
            [segment(SegmentKind::Base, 1, KeyGroups::ALL), segment(SegmentKind::Delta, 2, KeyGroups::range(0, 3))];
        let superseded = segments.iter().map(|segment| (segment.entry.clone(), KeyGroups::range(0, 3))).collect();
        let left = Replacement { superseded, segments: Vec::new() }.apply(&segments);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].entry.groups, [(4, 63)]);
    }
}
