//! Which worker owns which keys.

use crate::model::hash_range::HashRange;

/// Returns the range of hashes that each of `workers` workers owns. The ranges are equal but for one hash, and cover
/// all hashes.
///
/// ```
/// use alluvium_core::job::ownership::{owner, ranges};
///
/// let ranges = ranges(3);
/// assert_eq!((ranges[0].first(), ranges[2].last()), (0, u64::MAX));
/// assert!(ranges[owner(0x5555_5555_5555_5555, 3) as usize].contains(0x5555_5555_5555_5555));
/// ```
pub fn ranges(workers: u32) -> Vec<HashRange> {
    (0..workers).filter_map(|worker| range(worker, workers)).collect()
}

/// Returns the range of hashes that one of `workers` workers owns, as [`ranges`] has it. It is `None` if there is no such
/// worker.
///
/// ```
/// use alluvium_core::job::ownership::{range, ranges};
///
/// assert_eq!(range(1, 3), Some(ranges(3)[1]));
/// assert_eq!(range(3, 3), None);
/// ```
pub fn range(worker: u32, workers: u32) -> Option<HashRange> {
    let first = |worker: u32| (u128::from(worker) << 64).div_ceil(u128::from(workers));
    if worker >= workers {
        return None;
    }
    HashRange::new(first(worker) as u64, (first(worker + 1) - 1) as u64).ok()
}

/// Returns the worker that owns the keys with this hash.
#[inline]
pub fn owner(hash: u64, workers: u32) -> u32 {
    ((u128::from(hash) * u128::from(workers)) >> 64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hash_has_the_owner_whose_range_it_is_in() {
        for workers in [1, 2, 3, 4, 5, 7, 64, 1_000, 65_537] {
            let ranges = ranges(workers);
            assert_eq!(ranges.len(), workers as usize);
            assert_eq!((ranges[0].first(), ranges[ranges.len() - 1].last()), (0, u64::MAX));
            assert!(ranges.windows(2).all(|pair| pair[0].last() + 1 == pair[1].first()), "{workers}");
            for (worker, range) in ranges.iter().enumerate() {
                assert_eq!(owner(range.first(), workers), worker as u32, "{workers}");
                assert_eq!(owner(range.last(), workers), worker as u32, "{workers}");
            }
        }
    }
}
