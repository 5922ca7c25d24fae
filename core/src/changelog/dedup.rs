//! The newest mutation of each key, in the order in which segments hold them.

use crate::model::record::Record;
use crate::model::work::count_probes;

/// The hash of a mutation's key, and the place of the mutation.
pub(crate) type Place = (u64, u64);

/// How many records with the same upper half of the hash are looked through for an older one of the same key.
const LOOKED_THROUGH: usize = 8;

/// The number of digits of the upper half of the hash. Sorting starts with the least significant one.
const DIGITS: usize = 4;

/// How many places a step of sorting takes.
const STEP_PLACES: usize = 16 << 10;

/// Returns a digit of the upper half of the hash: eight bits.
fn digit(place: &Place, at: usize) -> usize {
    (place.0 >> (32 + 8 * at) & 0xff) as usize
}

/// Puts mutations in the order of [`Record::order`], in steps that are short: it counts the digits of the upper half of the
/// hash, and then sorts by one digit after the other. Places with equal digits keep their order. It sorts by counting, so
/// that no choice of keys makes it slower.
pub(crate) struct Sort {
    places: Vec<Place>,
    other: Vec<Place>,
    /// How often each digit has each value; while it sorts by a digit, where the next place with each value goes.
    counts: Vec<[usize; 256]>,
    phase: Phase,
    /// How many places of this phase are done.
    done: usize,
}

/// What the next step of sorting does.
#[derive(Clone, Copy)]
enum Phase {
    Count,
    /// It sorts by this digit, if there is such a digit.
    By(usize),
}

impl Sort {
    /// Begins with the places of the mutations, oldest first.
    pub(crate) fn new(places: Vec<Place>) -> Self {
        let other = vec![(0, 0); places.len()];
        Self { places, other, counts: vec![[0; 256]; DIGITS], phase: Phase::Count, done: 0 }
    }

    /// Does the next step. Returns whether there was one.
    pub(crate) fn step(&mut self) -> bool {
        let end = self.places.len().min(self.done + STEP_PLACES);
        let next = &self.places[self.done..end];
        match self.phase {
            Phase::Count => {
                for place in next {
                    for (at, counts) in self.counts.iter_mut().enumerate() {
                        counts[digit(place, at)] += 1;
                    }
                }
            }
            Phase::By(at) => {
                let Some(places_of) = self.counts.get_mut(at) else { return false };
                for place in next {
                    let to = &mut places_of[digit(place, at)];
                    self.other[*to] = *place;
                    *to += 1;
                }
            }
        }
        count_probes(next.len());
        self.done = end;
        if end == self.places.len() {
            self.begin_next();
        }
        true
    }

    /// Begins with the next digit by which there is something to sort.
    fn begin_next(&mut self) {
        let next = match self.phase {
            Phase::Count => 0,
            Phase::By(at) => {
                std::mem::swap(&mut self.places, &mut self.other);
                at + 1
            }
        };
        // If all places have the same digit, for example within one key group, it is passed over.
        let sorts = |counts: &[usize; 256]| !counts.contains(&self.places.len());
        let at = next + self.counts[next..].iter().take_while(|counts| !sorts(counts)).count();
        if let Some(counts) = self.counts.get_mut(at) {
            let mut start = 0;
            for count in counts {
                start += std::mem::replace(count, start);
            }
        }
        (self.phase, self.done) = (Phase::By(at), 0);
    }

    /// Does the steps that are left, and returns the newest mutation of each key, in order.
    ///
    /// `record` reads the mutation at a place. Each mutation is read once, when its turn comes; those whose hashes have
    /// the same upper half are read together.
    pub(crate) fn newest<'a, F: Fn(u64) -> Record<'a>>(mut self, record: F) -> Newest<'a, F> {
        while self.step() {}
        Newest { places: self.places, next: 0, alike: Vec::new(), record }
    }
}

/// The iterator that [`Sort::newest`] returns.
pub(crate) struct Newest<'a, F> {
    places: Vec<Place>,
    next: usize,
    /// Records whose hashes have the same upper half. The last one comes first.
    alike: Vec<Record<'a>>,
    record: F,
}

impl<'a, F: Fn(u64) -> Record<'a>> Newest<'a, F> {
    /// Fills `alike` with the newest record of each key among these places.
    fn resolve(&mut self, run: std::ops::Range<usize>) {
        // The newest record comes first, so the first one of each key is kept.
        for (_, at) in self.places[run].iter().rev() {
            let record = (self.record)(*at);
            let is_same = |kept: &Record<'_>| kept.order() == record.order();
            // A key that changes often is dropped here. There may be so many other keys that looking through
            // all of them would take too long.
            if !self.alike.iter().rev().take(LOOKED_THROUGH).any(is_same) {
                self.alike.push(record);
            }
        }
        // Sorting keeps the order of equal keys, so the first one of each is still the newest.
        self.alike.sort_by(|a, b| {
            count_probes(1);
            b.order().cmp(&a.order())
        });
        self.alike.dedup_by(|later, kept| later.order() == kept.order());
    }
}

impl<'a, F: Fn(u64) -> Record<'a>> Iterator for Newest<'a, F> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        if let Some(record) = self.alike.pop() {
            return Some(record);
        }
        let start = self.next;
        let (hash, at) = *self.places.get(start)?;
        let alike = self.places[start + 1..].iter().take_while(|place| place.0 >> 32 == hash >> 32).count();
        self.next = start + 1 + alike;
        if alike == 0 {
            return Some((self.record)(at));
        }
        self.resolve(start..self.next);
        self.alike.pop()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::hash::key_hash;

    fn newest_of<'a>(records: &[Record<'a>]) -> Vec<Record<'a>> {
        let places = records.iter().enumerate().map(|(at, record)| (record.hash, at as u64)).collect();
        Sort::new(places).newest(|at| records[at as usize]).collect()
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(newest_of(&[]).is_empty());
    }

    #[test]
    fn a_step_takes_a_bounded_number_of_places() {
        let keys: Vec<[u8; 4]> = (0..3 * STEP_PLACES as u32).map(u32::to_be_bytes).collect();
        let records: Vec<_> =
            keys.iter().map(|key| Record { hash: key_hash(key), key, value: Some(b""), ..Record::default() }).collect();
        let mut sort = Sort::new(records.iter().enumerate().map(|(at, record)| (record.hash, at as u64)).collect());
        let mut steps = 0;
        while sort.step() {
            steps += 1;
        }
        assert_eq!(steps, 3 * (1 + DIGITS), "three for the counting, and for each digit");
        let mut expected = records.clone();
        expected.sort_by(|a, b| a.order().cmp(&b.order()));
        assert_eq!(sort.newest(|at| records[at as usize]).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn equal_hashes_are_told_apart() {
        let record = |key, value| Record { hash: 7, key, value: Some(value), ..Record::default() };
        let other = Record { hash: 8, ..record(b"a", b"4") };
        let records = [record(b"y", b"1"), other, record(b"x", b"2"), record(b"y", b"3")];
        assert_eq!(newest_of(&records), [record(b"x", b"2"), record(b"y", b"3"), other]);
    }

    /// The result is that of a map, whichever digits of the hash differ and however often keys repeat.
    #[test]
    fn as_a_map_would_have_it() {
        for kept_bits in [u64::MAX, 0xff << 56, 0xff << 40, 0xffff << 32, u64::from(u32::MAX), 3 << 31, 0] {
            let keys: Vec<[u8; 4]> = (0..500u32).map(|n| (n.wrapping_mul(7_919) % 211).to_be_bytes()).collect();
            let values: Vec<[u8; 4]> = (0..500u32).map(u32::to_be_bytes).collect();
            let mut map = BTreeMap::new();
            let mut records = Vec::new();
            for (at, (key, value)) in keys.iter().zip(&values).enumerate() {
                let record =
                    Record { hash: key_hash(key) & kept_bits, namespace: 0, key, value: (at % 5 > 0).then_some(value) };
                map.insert((record.hash, record.key), record);
                records.push(record);
            }
            assert_eq!(newest_of(&records), map.into_values().collect::<Vec<_>>(), "{kept_bits:x}");
        }
    }
}
