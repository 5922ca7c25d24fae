//! Which records a reader wants: those of some key groups, within a range of hashes.

use crate::model::hash_range::HashRange;
use crate::model::key_groups::{KeyGroups, group_of};

/// The records that a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) groups: KeyGroups,
    pub(crate) range: HashRange,
}

impl Wanted {
    /// All records.
    pub(crate) const ALL: Self = Self { groups: KeyGroups::ALL, range: HashRange::ALL };

    /// Returns what both want, or `None` if that is nothing.
    pub(crate) fn intersection(self, other: Self) -> Option<Self> {
        let range = self.range.intersection(other.range)?;
        let groups = self.groups.intersection(other.groups).intersection(range.groups());
        (!groups.is_empty()).then_some(Self { groups, range })
    }

    /// Tells whether the records with this hash are wanted.
    #[inline]
    pub(crate) fn contains(self, hash: u64) -> bool {
        self.groups.contains(group_of(hash)) && self.range.contains(hash)
    }

    /// Tells whether any of the hashes from `first` to `last` is wanted.
    pub(crate) fn touches(self, first: u64, last: u64) -> bool {
        let groups = KeyGroups::range(group_of(first), group_of(last));
        !groups.intersection(self.groups).is_empty() && self.range.touches(first, last)
    }

    /// Tells whether all hashes from `first` to `last` are wanted.
    pub(crate) fn covers(self, first: u64, last: u64) -> bool {
        let groups = KeyGroups::range(group_of(first), group_of(last));
        groups.without(self.groups).is_empty() && self.range.covers(first, last)
    }
}

impl From<KeyGroups> for Wanted {
    fn from(groups: KeyGroups) -> Self {
        Self { groups, range: HashRange::ALL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_range_must_both_hold() {
        let range = HashRange::new(1 << 58, 3 << 58).unwrap();
        let wanted = Wanted { groups: KeyGroups::range(2, 9), range };
        let wanted = wanted.intersection(Wanted::ALL).unwrap();
        assert_eq!(wanted.groups, KeyGroups::range(2, 3));
        assert!(wanted.contains(2 << 58) && !wanted.contains(1 << 58) && !wanted.contains((3 << 58) + 1));
        assert!(wanted.covers(2 << 58, 3 << 58) && !wanted.covers(2 << 58, (3 << 58) + 1));
        assert!(wanted.touches(3 << 58, u64::MAX) && !wanted.touches(0, (2 << 58) - 1));
        assert_eq!(wanted.intersection(Wanted::from(KeyGroups::range(4, 63))), None);
    }
}
