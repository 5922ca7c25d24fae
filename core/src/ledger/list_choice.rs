//! Decides on what the next metadata bases its entries of segments: on nothing, on the list file of the
//! metadata before it, or on a new one.

use crate::format::segment_entry::SegmentEntry;
use crate::format::segment_list::{ListChanges, SegmentList};

/// With fewer segments than this, metadata names all of them, because a list would be one more file to read.
const LISTED_MIN: usize = 8;

/// On what metadata bases its entries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ListChoice {
    /// It names all segments itself.
    Inline,
    /// It names what changed since the list before it.
    Keep(SegmentList, ListChanges),
    /// A new list names all segments.
    New,
}

impl ListChoice {
    /// Decides for these segments. `list` is the list of the metadata before.
    pub(crate) fn new(list: Option<&SegmentList>, segments: &[SegmentEntry]) -> Self {
        if segments.len() < LISTED_MIN {
            return Self::Inline;
        }
        let changes = list.and_then(|list| Some((list, list.changes_to(segments)?)));
        match changes {
            // Beyond half of the list, a new one is not much more than the changes.
            Some((list, changes)) if changes.count() * 2 <= list.entries.len() => Self::Keep(list.clone(), changes),
            _ => Self::New,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::segment::SegmentKind;

    fn entries(numbers: impl IntoIterator<Item = u64>) -> Vec<SegmentEntry> {
        let entry = |number| SegmentEntry {
            kind: SegmentKind::Delta,
            number,
            checkpoint_id: number,
            bytes: 100,
            groups: vec![(0, 63)],
            ..SegmentEntry::default()
        };
        numbers.into_iter().map(entry).collect()
    }

    fn list(entries: &[SegmentEntry]) -> SegmentList {
        SegmentList::encode([1; 16], 99, 7, 5, entries).unwrap().0
    }

    #[test]
    fn a_list_stays_until_half_of_it_has_changed() {
        assert_eq!(ListChoice::new(None, &entries(1..=7)), ListChoice::Inline);
        assert_eq!(ListChoice::new(None, &entries(1..=8)), ListChoice::New);
        let listed = list(&entries(1..=10));
        let changes = |segments: &[SegmentEntry]| match ListChoice::new(Some(&listed), segments) {
            ListChoice::Keep(kept, changes) => {
                assert_eq!((&kept, changes.apply_to(&kept.entries).as_deref()), (&listed, Ok(segments)));
                Some(changes.count())
            }
            other => {
                assert_eq!(other, ListChoice::New);
                None
            }
        };
        assert_eq!(changes(&entries(1..=10)), Some(0));
        assert_eq!(changes(&entries(1..=15)), Some(5));
        assert_eq!(changes(&entries(1..=16)), None);
        assert_eq!(changes(&entries(3..=12)), Some(4));
        let mut fewer_groups = entries(1..=10);
        fewer_groups[3].groups = vec![(5, 6)];
        assert_eq!(changes(&fewer_groups), Some(1));
        assert_eq!(ListChoice::new(Some(&listed), &entries(4..=10)), ListChoice::Inline);
    }

    #[test]
    fn the_order_of_segments_of_other_directories_is_kept() {
        let mut segments = entries([8, 3, 9, 1, 2, 4, 5, 6, 7]);
        for segment in &mut segments[..3] {
            segment.store = Some([segment.number as u8; 16]);
        }
        segments.sort_by_key(SegmentEntry::order);
        assert_eq!(segments[..3].iter().map(|entry| entry.number).collect::<Vec<_>>(), [8, 3, 9]);
        let listed = list(&segments);
        assert_eq!(ListChoice::new(Some(&listed), &segments), ListChoice::Keep(listed.clone(), ListChanges::default()));
        segments.swap(0, 1);
        assert_eq!(ListChoice::new(Some(&listed), &segments), ListChoice::New, "changes cannot say another order");
    }
}
