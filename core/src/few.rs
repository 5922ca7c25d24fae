//! Order among few items. The standard library's sorts, and collecting into a set, which sorts first,
//! are made for many: each use brings kilobytes of code into a browser's page.

use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The set of some items.
pub(crate) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    for item in items {
        set.insert(item);
    }
    set
}

/// Sorts items that are in order already, or nearly: equal ones stay as they are, one pass each.
pub(crate) fn sort<T>(items: &mut [T], order: impl Fn(&T, &T) -> Ordering) {
    for end in 1..items.len() {
        let last = &items[end];
        // From the back: what belongs there takes one comparison.
        let at = items[..end].iter().rposition(|item| order(item, last) != Ordering::Greater).map_or(0, |at| at + 1);
        items[at..=end].rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_as_the_standard_library_does() {
        for count in 0..40u32 {
            let mut ours: Vec<(u32, u32)> = (0..count).map(|at| (at.wrapping_mul(7_919) % 11, at)).collect();
            let mut theirs = ours.clone();
            sort(&mut ours, |a, b| a.0.cmp(&b.0));
            theirs.sort_by_key(|item| item.0);
            assert_eq!(ours, theirs);
            assert_eq!(set(ours.clone()), ours.into_iter().collect());
        }
    }
}
