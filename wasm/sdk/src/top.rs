//! The most frequent items of a window.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::aggregate::Aggregate;
use crate::key::Key;

/// Counts the items of the records, and returns those with the most: the N first of `{"item": …, "count": …}`, the most
/// frequent one first, and of equally frequent ones the first in the order of their keys.
///
/// It keeps all items of a window, because a rare one may become frequent: the length of each and its bytes, four bytes
/// and so many, and its count in eight bytes, little-endian.
#[derive(Debug, Clone, Copy)]
pub struct Top<F> {
    limit: usize,
    item: F,
}

impl<F> Top<F> {
    /// Returns the aggregate that finds the `limit` most frequent items. Each record has one.
    pub fn of(limit: usize, item: F) -> Self {
        Self { limit, item }
    }
}

impl<R, I: Key, F: Fn(&R) -> I> Aggregate<R> for Top<F> {
    type Kept = BTreeMap<Vec<u8>, u64>;

    fn begin(&self) -> Self::Kept {
        BTreeMap::new()
    }

    fn add(&self, kept: &mut Self::Kept, row: &R) {
        *kept.entry((self.item)(row).bytes()).or_default() += 1;
    }

    fn join(&self, kept: &mut Self::Kept, later: &Self::Kept) {
        for (item, count) in later {
            *kept.entry(item.clone()).or_default() += count;
        }
    }

    fn value(&self, kept: &Self::Kept) -> Json {
        let mut items: Vec<_> = kept.iter().collect();
        // The sort is stable, so equal counts stay in the order of the map.
        items.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let item = |(item, count): &(&Vec<u8>, &u64)| json!({ "item": I::of_bytes(item), "count": count });
        items.iter().take(self.limit).map(item).collect()
    }

    fn write(&self, kept: &Self::Kept) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (item, count) in kept {
            bytes.extend_from_slice(&u32::try_from(item.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(item);
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        bytes
    }

    fn read(&self, mut bytes: &[u8]) -> Option<Self::Kept> {
        let mut kept = BTreeMap::new();
        while !bytes.is_empty() {
            let (len, rest) = bytes.split_first_chunk()?;
            let (item, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            let (count, rest) = rest.split_first_chunk()?;
            I::of_bytes(item)?;
            kept.insert(item.to_vec(), u64::from_le_bytes(*count));
            bytes = rest;
        }
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first_and_equal_ones_in_their_order() {
        let top = Top::of(2, |item: &String| item.clone());
        let kept = |items: &[&str]| {
            let mut kept = Aggregate::<String>::begin(&top);
            for item in items {
                top.add(&mut kept, &(*item).to_owned());
            }
            kept
        };
        let mut all = kept(&["b", "c", "a", "c"]);
        assert_eq!(
            Aggregate::<String>::value(&top, &all).to_string(),
            r#"[{"item":"c","count":2},{"item":"a","count":1}]"#
        );
        Aggregate::<String>::join(&top, &mut all, &kept(&["b", "b"]));
        assert_eq!(
            Aggregate::<String>::value(&top, &all).to_string(),
            r#"[{"item":"b","count":3},{"item":"c","count":2}]"#
        );
        let bytes = Aggregate::<String>::write(&top, &all);
        assert_eq!(Aggregate::<String>::read(&top, &bytes), Some(all));
        for len in (0..bytes.len()).filter(|len| len % 13 != 0) {
            assert_eq!(Aggregate::<String>::read(&top, &bytes[..len]), None, "{len}");
        }
    }
}
