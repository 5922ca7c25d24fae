//! Order among few items. The standard library's sorts, sets and maps are made for many: each use
//! brings kilobytes of code into a browser's page. Names of files and checkpoints are few, and come in
//! order most of the time.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Deref;

/// A set as one vector in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set<T>(Vec<T>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Set<T> {
    fn find<Q: Ord + ?Sized>(&self, item: &Q) -> Result<usize, usize>
    where
        T: Borrow<Q>,
    {
        self.0.binary_search_by(|held| held.borrow().cmp(item))
    }

    /// Whether it is there; in logarithmic time, other than a slice's.
    pub(crate) fn contains<Q: Ord + ?Sized>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.find(item).is_ok()
    }

    /// Whether it was not there yet.
    pub(crate) fn insert(&mut self, item: T) -> bool {
        self.find(&item).map_err(|at| self.0.insert(at, item)).is_err()
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, item: &Q)
    where
        T: Borrow<Q>,
    {
        if let Ok(at) = self.find(item) {
            self.0.remove(at);
        }
    }

    pub(crate) fn retain(&mut self, stays: impl FnMut(&T) -> bool) {
        self.0.retain(stays);
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T> Deref for Set<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Ord> Extend<T> for Set<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        for item in items {
            self.insert(item);
        }
    }
}

impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::default();
        set.extend(items);
        set
    }
}

/// A map as one vector in order of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Map<K, V>(Vec<(K, V)>);

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Map<K, V> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(held, _)| held.borrow().cmp(key))
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Sets the value of a key; gives the one before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|(key, value)| stays(key, value));
    }

    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(crate) fn into_vec(self) -> Vec<(K, V)> {
        self.0
    }
}

impl<K, V> Deref for Map<K, V> {
    type Target = [(K, V)];

    fn deref(&self) -> &[(K, V)] {
        &self.0
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
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
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn sorts_as_the_standard_library_does() {
        for count in 0..40u32 {
            let mut ours: Vec<(u32, u32)> = (0..count).map(|at| (at.wrapping_mul(7_919) % 11, at)).collect();
            let mut theirs = ours.clone();
            sort(&mut ours, |a, b| a.0.cmp(&b.0));
            theirs.sort_by_key(|item| item.0);
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn sets_and_maps_are_those_of_the_standard_library() {
        let (mut set, mut map) = (Set::default(), Map::default());
        let (mut their_set, mut their_map) = (BTreeSet::new(), BTreeMap::new());
        for step in 0..2_000u32 {
            let name = (step.wrapping_mul(2_654_435_761) >> 25).to_string();
            if step % 3 == 0 {
                set.remove(name.as_str());
                their_set.remove(&name);
                assert_eq!(map.remove(name.as_str()), their_map.remove(&name));
            } else {
                assert_eq!(set.insert(name.clone()), their_set.insert(name.clone()));
                assert_eq!(map.insert(name.clone(), step), their_map.insert(name.clone(), step));
            }
            assert_eq!(set.contains(name.as_str()), their_set.contains(&name));
            assert_eq!(
                (map.get(&name), map.contains_key(&name)),
                (their_map.get(&name), their_map.contains_key(&name))
            );
        }
        assert!(set.iter().eq(&their_set) && map.keys().eq(their_map.keys()));
        set.retain(|name| name.len() > 1);
        their_set.retain(|name| name.len() > 1);
        map.retain(|_, step| step % 2 == 0);
        their_map.retain(|_, step| *step % 2 == 0);
        assert_eq!(set.into_vec(), Vec::from_iter(their_set.clone()));
        assert_eq!(map.into_vec(), Vec::from_iter(their_map));
        assert_eq!(Vec::from_iter(their_set.clone()), their_set.into_iter().rev().collect::<Set<_>>().into_vec());
    }
}
