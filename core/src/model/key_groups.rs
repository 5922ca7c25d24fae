//! Key groups: keys are spread over 64 groups by the top bits of their hash.

/// The number of bits of a key's hash that choose its group: six, for 64 groups.
pub const GROUP_BITS: u32 = 6;

/// The number of key groups of a directory.
pub const KEY_GROUPS: u16 = 1 << GROUP_BITS;

/// Returns the group of a key: the top bits of its hash.
///
/// ```
/// use alluvium_core::model::key_groups::{KEY_GROUPS, group_of};
///
/// assert_eq!(group_of(u64::MAX), KEY_GROUPS - 1);
/// ```
#[inline]
pub fn group_of(hash: u64) -> u16 {
    (hash >> (64 - GROUP_BITS)) as u16
}

/// A set of key groups, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyGroups(u64);

impl KeyGroups {
    /// The empty set.
    pub(crate) const NONE: Self = Self(0);
    /// The set of all groups.
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// Returns the set of the groups from `first` to `last`, both included.
    pub(crate) fn range(first: u16, last: u16) -> Self {
        Self(u64::MAX >> (63 - (last - first)) << first)
    }

    /// Returns the set of the groups in all these ranges. The ranges include both ends.
    pub(crate) fn of_ranges(ranges: &[(u16, u16)]) -> Self {
        ranges.iter().fold(Self::NONE, |groups, (first, last)| groups.union(Self::range(*first, *last)))
    }

    /// Returns the set as ascending ranges that include both ends. No two of them are adjacent.
    pub(crate) fn to_ranges(self) -> Vec<(u16, u16)> {
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for group in (0..KEY_GROUPS).filter(|group| self.contains(*group)) {
            match ranges.last_mut() {
                Some(range) if range.1 + 1 == group => range.1 = group,
                _ => ranges.push((group, group)),
            }
        }
        ranges
    }

    /// Returns whether the set contains a group.
    pub(crate) fn contains(self, group: u16) -> bool {
        self.0 >> group & 1 == 1
    }

    /// Returns how many groups the set has.
    pub(crate) fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Returns whether the set is empty.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the groups that are in either set.
    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the groups that are in both sets.
    pub(crate) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the groups that are in this set and not in `other`.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_the_top_bits() {
        assert_eq!(group_of(0), 0);
        assert_eq!(group_of(u64::MAX), KEY_GROUPS - 1);
        assert_eq!(group_of(1 << 58), 1);
    }

    #[test]
    fn ranges_come_back() {
        for ranges in [vec![], vec![(0, 63)], vec![(0, 0), (2, 5), (63, 63)], vec![(10, 20)]] {
            assert_eq!(KeyGroups::of_ranges(&ranges).to_ranges(), ranges);
        }
        assert_eq!(KeyGroups::ALL.without(KeyGroups::range(3, 60)).to_ranges(), [(0, 2), (61, 63)]);
    }
}
