//! Ranges of key hashes: what a directory or a reader owns of the keys. Records are ordered by their hash in
//! every file, so that the records of a range are contiguous.

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::model::hex_digits::parse_hex;
use crate::model::key_groups::{KeyGroups, group_of};

/// A range of key hashes that includes both ends. In JSON it is an array of two strings of sixteen
/// hexadecimal digits.
///
/// ```
/// use alluvium_core::model::hash_range::HashRange;
///
/// let lower = HashRange::new(0, u64::MAX / 2)?;
/// assert!(lower.contains(7) && !lower.contains(u64::MAX));
/// assert!(HashRange::new(2, 1).is_err());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "[String; 2]", into = "[String; 2]")]
pub struct HashRange {
    first: u64,
    last: u64,
}

impl HashRange {
    /// The range of all hashes.
    pub const ALL: Self = Self { first: 0, last: u64::MAX };

    /// Returns the range from `first` to `last`. If `last` is before `first`, it is
    /// [`InvalidInput`](Error::InvalidInput).
    pub fn new(first: u64, last: u64) -> Result<Self, Error> {
        if last < first {
            return Err(Error::InvalidInput(format!("range of hashes {first:016x} to {last:016x} is empty")));
        }
        Ok(Self { first, last })
    }

    /// Returns the first hash of the range.
    pub fn first(self) -> u64 {
        self.first
    }

    /// Returns the last hash of the range.
    pub fn last(self) -> u64 {
        self.last
    }

    /// Tells whether a hash is in the range.
    #[inline]
    pub fn contains(self, hash: u64) -> bool {
        self.first <= hash && hash <= self.last
    }

    /// Tells whether the hashes from `first` to `last` are all in the range.
    pub(crate) fn covers(self, first: u64, last: u64) -> bool {
        self.first <= first && last <= self.last
    }

    /// Tells whether any of the hashes from `first` to `last` is in the range.
    pub(crate) fn touches(self, first: u64, last: u64) -> bool {
        self.first <= last && first <= self.last
    }

    /// Returns what both ranges have in common, or `None` if that is nothing.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }

    /// Returns the key groups of which any hash is in the range.
    pub(crate) fn groups(self) -> KeyGroups {
        KeyGroups::range(group_of(self.first), group_of(self.last))
    }
}

impl Default for HashRange {
    fn default() -> Self {
        Self::ALL
    }
}

impl TryFrom<[String; 2]> for HashRange {
    type Error = String;

    fn try_from(ends: [String; 2]) -> Result<Self, String> {
        let end = |digits: &String| parse_hex(digits).ok_or("sixteen hexadecimal digits expected");
        Self::new(end(&ends[0])?, end(&ends[1])?).map_err(|error| error.to_string())
    }
}

impl From<HashRange> for [String; 2] {
    fn from(range: HashRange) -> Self {
        [range.first, range.last].map(|end| format!("{end:016x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_back_and_have_one_form() {
        let range = HashRange::new(1, u64::MAX - 1).unwrap();
        let json = serde_json::to_string(&range).unwrap();
        assert_eq!(json, r#"["0000000000000001","fffffffffffffffe"]"#);
        assert_eq!(serde_json::from_str::<HashRange>(&json).unwrap(), range);
        for wrong in [r#"["0000000000000002","0000000000000001"]"#, r#"["1","2"]"#, r#"["0000000000000001"]"#] {
            assert!(serde_json::from_str::<HashRange>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_range_has_the_groups_of_its_ends_and_all_between() {
        let range = HashRange::new((3 << 58) + 7, 5 << 58).unwrap();
        assert_eq!(range.groups().to_ranges(), [(3, 5)]);
        assert_eq!(HashRange::ALL.groups(), KeyGroups::ALL);
    }

    #[test]
    fn ranges_meet_or_are_apart() {
        let range = |first, last| HashRange::new(first, last).unwrap();
        assert_eq!(range(1, 5).intersection(range(5, 9)), Some(range(5, 5)));
        assert_eq!(range(1, 4).intersection(range(5, 9)), None);
        assert!(range(1, 5).touches(5, 9) && !range(1, 4).touches(5, 9));
        assert!(range(1, 5).covers(1, 5) && !range(1, 5).covers(1, 6));
    }
}
