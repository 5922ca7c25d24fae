//! What a table does when its keys crowd: it grows, or it becomes ordered.
//!
//! Three things are bounded, so that no choice of keys makes a search or an insertion long: how far a slot
//! is from its home, how many slots have equal hash bits, and how many slots an insertion moves. Ordinary
//! keys stay far below the bounds. An ordered table becomes a table of slots again when its keys allow it.

use crate::model::hash::key_hash;
use crate::model::work::count_probes;
use crate::state::arena::{Address, Arena};
use crate::state::sought::tag;
use crate::state::table::ordered::Ordered;
use crate::state::table::slot::{home, slot_of, tag_of};
use crate::state::table::{Table, grown};

/// How far a slot may be from its home. At the largest load, one slot of 30 million is farther away.
const DISTANCE_MAX: usize = 64;
/// How many slots may have equal hash bits. Among ordinary keys, three in one table are hardly ever seen.
const EQUAL_MAX: usize = 8;
/// How many slots one insertion may move: 32 KiB.
const MOVED_MAX: usize = 4096;
/// An ordered table tries to become one of slots after at least this many insertions and deletions.
const RETRY_MIN: usize = 1024;

impl Table {
    /// Returns whether the insertion of a slot at `at`, which moved all slots up to `end` by one, may have
    /// broken a bound.
    #[inline]
    pub(super) fn may_crowd(&self, at: usize, end: usize, tag: u32) -> bool {
        // The homes of the slots that were moved are not before that of the new slot, so none of them is
        // farther from its home than `end` is from that home.
        end - self.home(tag) > DISTANCE_MAX || self.is_equal_run(at, tag)
    }

    /// Returns whether too many slots up to `at` have these hash bits.
    #[inline]
    fn is_equal_run(&self, at: usize, tag: u32) -> bool {
        let first = at.checked_sub(EQUAL_MAX).map_or(0, |first| self.slots[first]);
        first != 0 && tag_of(first) == tag
    }

    /// Makes the table larger, or orders it, if the insertion of a slot at `at` broke a bound.
    #[cold]
    #[inline(never)]
    pub(super) fn relieve(&mut self, at: usize, end: usize, arena: &Arena) {
        if self.is_equal_run(at, tag_of(self.slots[at])) {
            return self.order(arena);
        }
        let is_far = |at: usize| at - self.home(tag_of(self.slots[at])) > DISTANCE_MAX;
        if end - at > MOVED_MAX || (at..=end).any(is_far) {
            self.spread(arena);
        }
    }

    /// Makes the table larger if it is nearly full. If it is not, more room would not help.
    fn spread(&mut self, arena: &Arena) {
        if self.len * 4 > self.capacity * 3 {
            self.resize(grown(self.capacity), arena);
        } else {
            self.order(arena);
        }
    }

    /// Moves all slots into new memory with this capacity.
    pub(super) fn resize(&mut self, capacity: usize, arena: &Arena) {
        let old = std::mem::take(&mut self.slots);
        let farthest = self.fill(capacity, old.into_iter().filter(|slot| *slot != 0));
        if farthest > DISTANCE_MAX {
            self.spread(arena);
        }
    }

    /// Puts slots that come in hash order into new memory with this capacity. Returns how far the farthest of
    /// them is from its home.
    fn fill(&mut self, capacity: usize, slots: impl Iterator<Item = u64>) -> usize {
        self.capacity = capacity;
        // A few slots are added behind the capacity, so that the last cluster seldom has to push.
        self.slots = Vec::with_capacity(capacity + 16);
        self.slots.resize(capacity + 16, 0);
        // Each slot goes to its home or right behind its predecessor.
        let (mut next, mut farthest) = (0, 0);
        for slot in slots {
            let home = self.home(tag_of(slot));
            let at = home.max(next);
            farthest = farthest.max(at - home);
            match self.slots.get_mut(at) {
                Some(place) => *place = slot,
                None => self.slots.push(slot),
            }
            next = at + 1;
        }
        count_probes(self.len);
        farthest
    }

    /// Adds a record whose place is behind all others, where `end` is the end of the last slot. Returns the
    /// end of the new slot. A search would walk along the whole cluster at the end.
    #[inline]
    pub(in crate::state) fn append(&mut self, end: usize, arena: &Arena, hash: u64, address: Address) -> usize {
        let (mut end, tag) = (end, tag(hash));
        if self.is_full() {
            if self.ordered.is_none() {
                self.resize(grown(self.capacity), arena);
                end = self.end();
            }
            if let Some(ordered) = &mut self.ordered {
                ordered.push(slot_of(tag, address));
                self.len += 1;
                return end;
            }
        }
        let at = self.home(tag).max(end);
        let slot = slot_of(tag, address);
        match self.slots.get_mut(at) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        self.len += 1;
        count_probes(1);
        if self.may_crowd(at, at, tag) {
            self.relieve(at, at, arena);
            return self.end();
        }
        at + 1
    }

    /// Returns the end of the last slot in use.
    pub(in crate::state) fn end(&self) -> usize {
        self.slots.iter().rposition(|slot| *slot != 0).map_or(0, |last| last + 1)
    }

    /// Makes the table an ordered one.
    fn order(&mut self, arena: &Arena) {
        let mut slots = std::mem::take(&mut self.slots);
        slots.retain(|slot| *slot != 0);
        // Slots with equal hash bits stand in the order in which they came.
        for equal in slots.chunk_by_mut(|a, b| tag_of(*a) == tag_of(*b)).filter(|equal| equal.len() > 1) {
            let key = |slot: &u64| arena.key(*slot as u32);
            equal.sort_unstable_by(|a, b| (key_hash(key(a)), key(a)).cmp(&(key_hash(key(b)), key(b))));
        }
        self.capacity = 0;
        self.ordered = Some(Box::new(Ordered::new(&slots, slots.len().max(RETRY_MIN))));
    }

    /// Inserts a record into an ordered table.
    pub(super) fn insert_in_order(&mut self, at: usize, tag: u32, address: Address) {
        self.in_order_mut().insert(at, slot_of(tag, address));
        self.len += 1;
        self.retry();
    }

    /// Removes a record from an ordered table.
    #[cold]
    #[inline(never)]
    pub(super) fn remove_in_order(&mut self, at: usize) {
        self.in_order_mut().remove(at);
        self.len -= 1;
        if self.len == 0 {
            *self = Self::default();
        } else {
            self.retry();
        }
    }

    /// Counts an insertion or a deletion. From time to time it makes an ordered table one of slots again, if
    /// its keys no longer crowd.
    fn retry(&mut self) {
        let len = self.len;
        let ordered = self.in_order_mut();
        ordered.until_retry -= 1;
        if ordered.until_retry > 0 {
            return;
        }
        ordered.until_retry = len.max(RETRY_MIN);
        // Well within the bounds, so that it is not ordered again soon.
        self.loosen(DISTANCE_MAX / 2, EQUAL_MAX / 2);
    }

    /// Makes a table one of slots if it is ordered and its keys allow that, after keys were appended. The first keys
    /// in hash order are all near each other, so a table that was made for fewer keys than came has become ordered.
    pub(in crate::state) fn end_append(&mut self) {
        if self.ordered.is_some() {
            self.loosen(DISTANCE_MAX, EQUAL_MAX - 1);
        }
    }

    /// Makes an ordered table one of slots if no slot will be farther from its home than `distance`, and no more than
    /// `equal` slots follow one with the same hash bits.
    fn loosen(&mut self, distance: usize, equal: usize) {
        count_probes(self.len);
        let capacity = grown(self.len) + EQUAL_MAX;
        if is_calm(self.in_order().slots(), capacity, (distance, equal)) {
            let ordered = self.ordered.take().expect("the table is ordered");
            self.fill(capacity, ordered.slots().copied());
        }
    }

    /// Returns the structure of an ordered table.
    #[cold]
    pub(super) fn in_order(&self) -> &Ordered {
        self.ordered.as_ref().expect("a position behind the slots is one of an ordered table")
    }

    /// Returns the structure of an ordered table.
    #[cold]
    pub(super) fn in_order_mut(&mut self) -> &mut Ordered {
        self.ordered.as_mut().expect("a position behind the slots is one of an ordered table")
    }
}

/// Returns whether slots stay within bounds in a table of this capacity: how far a slot is from its home, and how many
/// slots follow one with the same hash bits.
fn is_calm<'a>(slots: impl Iterator<Item = &'a u64>, capacity: usize, (distance, most): (usize, usize)) -> bool {
    let (mut next, mut equal, mut last) = (0, 0, None);
    for slot in slots {
        let tag = tag_of(*slot);
        let at = home(tag, capacity).max(next);
        equal = if last == Some(tag) { equal + 1 } else { 0 };
        if at - home(tag, capacity) > distance || equal > most {
            return false;
        }
        (next, last) = (at + 1, Some(tag));
    }
    true
}
