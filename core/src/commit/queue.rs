//! The order in which prepared things are written, and what those that are dropped give back.

use std::collections::BTreeMap;

/// What was prepared, in order. Each is written after the one before it. One that is dropped before its write
/// begins gives back what it holds: the next one takes it over.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// The place of the last one that was prepared. Places start at 1.
    last: u64,
    /// The place of the last one that was written, or taken over by a later one.
    written: u64,
    /// What was given back, by place.
    returned: BTreeMap<u64, T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { last: 0, written: 0, returned: BTreeMap::new() }
    }
}

impl<T> Queue<T> {
    /// Adds one at the end and returns its place.
    pub(crate) fn join(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Begins to write the one at `place`. Returns what those before it gave back, oldest first, or `None` if one
    /// before it is still to be written.
    pub(crate) fn begin(&mut self, place: u64) -> Option<Vec<T>> {
        let before = self.written + 1..place;
        if self.returned.range(before.clone()).count() as u64 != before.end.saturating_sub(before.start) {
            return None;
        }
        self.written = place - 1;
        Some(before.filter_map(|before| self.returned.remove(&before)).collect())
    }

    /// Notes that the one at `place` was written.
    pub(crate) fn end(&mut self, place: u64) {
        self.written = place;
    }

    /// Takes back what the one at `place` holds.
    pub(crate) fn give_back(&mut self, place: u64, held: T) {
        self.returned.insert(place, held);
    }

    /// Returns what the last one gave back, if nothing comes after it. Its place is free again.
    pub(crate) fn take_last(&mut self) -> Option<T> {
        let held = self.returned.remove(&self.last)?;
        self.last -= 1;
        Some(held)
    }

    /// Returns how many are prepared, not written, and not given back.
    pub(crate) fn waiting(&self) -> u64 {
        self.last - self.written - self.returned.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_takes_over_from_those_before_it_that_were_dropped() {
        let mut queue = Queue::default();
        let places: Vec<u64> = (0..4).map(|_| queue.join()).collect();
        assert_eq!((places, queue.waiting()), (vec![1, 2, 3, 4], 4));
        queue.give_back(2, "second");
        assert_eq!(queue.take_last(), None, "the third and the fourth come after it");
        assert_eq!(queue.begin(3), None, "the first is still to be written");
        assert_eq!(queue.begin(1), Some(vec![]));
        queue.end(1);
        assert_eq!(queue.begin(3), Some(vec!["second"]));
        queue.give_back(3, "second and third");
        assert_eq!(queue.begin(4), Some(vec!["second and third"]));
        queue.end(4);
        assert_eq!((queue.waiting(), queue.join()), (0, 5));
    }

    #[test]
    fn the_last_ones_leave_from_the_end() {
        let mut queue = Queue::default();
        assert_eq!((queue.join(), queue.join(), queue.join()), (1, 2, 3));
        queue.begin(1).unwrap();
        queue.end(1);
        queue.give_back(2, "second");
        queue.give_back(3, "third");
        assert_eq!((queue.take_last(), queue.take_last(), queue.take_last()), (Some("third"), Some("second"), None));
        assert_eq!((queue.join(), queue.waiting()), (2, 1));
    }
}
