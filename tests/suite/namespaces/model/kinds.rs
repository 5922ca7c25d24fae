//! Operations that only some kinds of namespaces have: ranges, timers, entries that expire, and merges.

use alluvium_core::Columns;
use alluvium_core::model::expiry::{split_expiry, with_expiry};
use alluvium_core::model::timer::{split_timer_key, timer_key};

use super::Run;
use crate::namespaces::crashes::{COUNTS, EXPIRES_AFTER_MS, EXPIRING, ORDERED, TIMERS};

impl Run {
    /// A range of keys, which may be empty, or end before it begins.
    pub(super) fn range(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let from = if self.rng.u8(0..4) == 0 { Vec::new() } else { self.key() };
        let to = (self.rng.u8(0..4) > 0).then(|| self.key());
        (from, to)
    }

    pub(super) fn delete_range(&mut self) {
        let namespace = ORDERED[self.rng.usize(0..2)];
        let (from, to) = self.range();
        let is_in = |key: &Vec<u8>| *key >= from && to.as_ref().is_none_or(|to| key < to);
        let entries = self.now.entries.entry(namespace).or_default();
        let before = entries.len();
        entries.retain(|key, _| !is_in(key));
        let deleted = (before - entries.len()) as u64;
        assert_eq!(self.manager.delete_range(namespace, &from, to.as_deref()).unwrap(), deleted);
    }

    pub(super) fn scan(&mut self) {
        let namespace = ORDERED[self.rng.usize(0..2)];
        let (from, to) = self.range();
        let (reverse, limit) = (self.rng.bool(), self.rng.usize(1..40));
        let is_in = |key: &Vec<u8>| *key >= from && to.as_ref().is_none_or(|to| key < to);
        let entries = self.now.entries.entry(namespace).or_default();
        let mut expected: Vec<(&[u8], &[u8])> =
            entries.iter().filter(|(key, _)| is_in(key)).map(|(key, value)| (&key[..], &value[..])).collect();
        if reverse {
            expected.reverse();
        }
        expected.truncate(limit);
        assert_eq!(self.manager.scan(namespace, &from, to.as_deref(), reverse, limit, usize::MAX).unwrap(), expected);
        let mut walk = self.manager.walk_in(namespace, &from).unwrap();
        let walked = self.manager.next_page(&mut walk, 1_000, usize::MAX).unwrap();
        let prefixed = entries.iter().filter(|(key, _)| key.starts_with(&from));
        assert!(walked.into_iter().eq(prefixed.map(|(key, value)| (&key[..], &value[..]))));
    }

    /// Sets, deletes and takes timers.
    pub(super) fn timers(&mut self) {
        let timers = self.now.entries.entry(TIMERS).or_default();
        let (at_ms, key) = (self.rng.i64(-50..2_000), [self.rng.u8(0..5); 2]);
        match self.rng.u8(0..6) {
            0 => {
                let up_to = self.now.watermark.unwrap_or(-100);
                let limit = self.rng.usize(1..6);
                let due = |stored: &&Vec<u8>| split_timer_key(stored).is_some_and(|(at_ms, _)| at_ms <= up_to);
                let expected: Vec<Vec<u8>> = timers.keys().take_while(due).take(limit).cloned().collect();
                timers.retain(|stored, _| !expected.contains(stored));
                let taken = self.manager.take_timers(TIMERS, up_to, limit).unwrap();
                let taken: Vec<Vec<u8>> = taken.iter().map(|timer| timer_key(timer.at_ms, &timer.key)).collect();
                assert_eq!(taken, expected);
            }
            1 => {
                let was_set = timers.remove(&timer_key(at_ms, &key)).is_some();
                assert_eq!(self.manager.delete_timer(TIMERS, at_ms, &key).unwrap(), was_set);
            }
            _ => {
                timers.insert(timer_key(at_ms, &key), Vec::new());
                self.manager.set_timer(TIMERS, at_ms, &key).unwrap();
            }
        }
    }

    /// Writes entries that expire, one or a batch of them.
    pub(super) fn write_young(&mut self) {
        let expiry_ms = self.now.watermark.map_or(i64::MAX, |now| now + EXPIRES_AFTER_MS.cast_signed());
        let keys: Vec<u8> = (0..self.rng.usize(1..5)).map(|_| self.rng.u8(0..30)).collect();
        let entries = self.now.entries.entry(EXPIRING).or_default();
        for key in &keys {
            entries.insert(vec![*key], with_expiry(expiry_ms, b"v"));
        }
        let (ops, lens, values) = (vec![0; keys.len()], vec![1; keys.len()], vec![b'v'; keys.len()]);
        let batch = Columns { ops: &ops, key_lens: &lens, value_lens: &lens, keys: &keys, values: &values };
        self.manager.apply_in(EXPIRING, &batch).unwrap();
    }

    /// Moves the clock, by which entries expire.
    pub(super) fn advance(&mut self) {
        let now = self.now.watermark.unwrap_or(0) + self.rng.i64(0..200);
        self.now.watermark = Some(now);
        self.manager.set_watermark(now);
        let entries = self.now.entries.entry(EXPIRING).or_default();
        for value in entries.values_mut() {
            if value.starts_with(&i64::MAX.to_le_bytes()) {
                *value = with_expiry(now + EXPIRES_AFTER_MS.cast_signed(), b"v");
            }
        }
        entries.retain(|_, value| split_expiry(value).is_some_and(|(expiry_ms, _)| expiry_ms > now));
    }

    /// Merges, puts and deletes numbers in one batch.
    pub(super) fn merge(&mut self) {
        let counts = self.now.entries.entry(COUNTS).or_default();
        let (mut ops, mut value_lens, mut keys, mut values) = (vec![], vec![], vec![], vec![]);
        for _ in 0..self.rng.usize(0..12) {
            let (key, number) = (self.rng.u8(0..6), self.rng.u64(..));
            let op = [0, 1, Columns::MERGE, Columns::MERGE][self.rng.usize(0..4)];
            let before = counts.get(&vec![key]).map(|value| u64::from_le_bytes(value[..].try_into().unwrap()));
            let after = match op {
                0 => Some(number),
                1 => None,
                _ => Some(before.unwrap_or(0).wrapping_add(number)),
            };
            ops.push(op);
            keys.push(key);
            value_lens.push(if op == 1 { 0 } else { 8 });
            if op != 1 {
                values.extend_from_slice(&number.to_le_bytes());
            }
            match after {
                Some(after) => counts.insert(vec![key], after.to_le_bytes().to_vec()),
                None => counts.remove(&vec![key]),
            };
        }
        let key_lens = vec![1; keys.len()];
        let batch = Columns { ops: &ops, key_lens: &key_lens, value_lens: &value_lens, keys: &keys, values: &values };
        self.manager.apply_in(COUNTS, &batch).unwrap();
    }
}
