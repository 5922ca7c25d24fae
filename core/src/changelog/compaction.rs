//! Compaction of a log: only the newest mutation of each key stays. It runs in steps, a few of them with each
//! mutation that is appended to the changelog, so that no mutation waits for all of it.
//!
//! The log is cut into runs of a few hundred mutations. Each run is sorted by itself, and the runs are then
//! merged. Every step has a bound that no choice of keys makes larger.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::changelog::dedup::Place;
use crate::changelog::log::Log;
use crate::model::work::count_probes;

/// How many mutations a run has. Sorting a run is the longest step.
const RUN_RECORDS: usize = 512;
/// How many mutations are read in one step. Reading a log ends before an eighth of it has been appended.
const READ_RECORDS: usize = 8;
/// How many mutations are merged in one step.
const MERGED_RECORDS: usize = 4;
/// How many mutations of the same hash a run is searched for an older one of the same key.
const LOOKED_THROUGH: usize = 4;

/// The newest mutation of a run that was not merged yet: its hash, its place, and the run. Of the same hash the
/// newest comes first, because the newest has the largest place.
type Head = Reverse<(u64, Reverse<u64>, u32)>;

/// Keys with their namespaces.
type Keys = BTreeSet<(u32, Box<[u8]>)>;

/// Returns the namespace and the key of the mutation at a place.
fn key_at(log: &Log, place: u64) -> (u32, &[u8]) {
    let record = log.record(place);
    (record.namespace, record.key)
}

/// A compaction that is under way. The log that it reads must not change meanwhile.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    /// The place up to which the log was read.
    read: u64,
    is_read: bool,
    /// The mutations of the run that is being read.
    gathered: Vec<Place>,
    /// The runs. The last place of each comes first in the merge.
    runs: Vec<Vec<Place>>,
    heads: BinaryHeap<Head>,
    /// What was merged last: a hash, and the place of its newest mutation.
    group: Option<Place>,
    /// The other keys with this hash.
    others: Keys,
    /// Keys with earlier hashes. They are dropped a few at a time.
    dropped: Vec<Keys>,
    merged: Log,
    /// The bytes of the runs that are held from the allocator.
    allocated: usize,
}

impl Compaction {
    /// Returns how many bytes the compaction of a log holds at most.
    pub(super) fn bytes_max(log: &Log) -> usize {
        // A run and its head may have twice the capacity that they need.
        let places =
            2 * log.count() * (size_of::<Place>() + (size_of::<Head>() + size_of::<Vec<Place>>()) / RUN_RECORDS);
        log.allocated_bytes() + places + (1 << 20)
    }

    /// Returns the bytes held from the allocator, apart from the log that is read.
    pub(super) fn allocated_bytes(&self) -> usize {
        let heads = self.heads.capacity() * size_of::<Head>() + self.runs.capacity() * size_of::<Vec<Place>>();
        self.merged.allocated_bytes() + self.allocated + heads
    }

    /// Does one step. Returns the compacted log if this was the last one.
    pub(super) fn step(&mut self, log: &Log) -> Option<Log> {
        if self.is_read {
            return (0..MERGED_RECORDS).find_map(|_| (!self.merge(log)).then(|| std::mem::take(&mut self.merged)));
        }
        for _ in 0..READ_RECORDS {
            match log.read(self.read) {
                Some((place, hash, end)) => {
                    self.gathered.push((hash, place));
                    self.read = end;
                }
                None => self.is_read = true,
            }
            if self.gathered.len() == RUN_RECORDS || self.is_read {
                self.end_run(log);
                break;
            }
        }
        None
    }

    /// Sorts the run that was read, and puts it among those that are merged.
    fn end_run(&mut self, log: &Log) {
        let mut run = std::mem::take(&mut self.gathered);
        run.sort_unstable_by_key(|(hash, place)| {
            count_probes(1);
            (*hash, Reverse(*place))
        });
        let mut kept: Vec<Place> = Vec::new();
        for place in run {
            let alike = kept.iter().rev().take(LOOKED_THROUGH).take_while(|earlier| earlier.0 == place.0);
            let mut alike = alike.map(|earlier| key_at(log, earlier.1));
            count_probes(1);
            if !alike.any(|key| key == key_at(log, place.1)) {
                kept.push(place);
            }
        }
        kept.reverse();
        self.allocated += kept.capacity() * size_of::<Place>();
        self.runs.push(kept);
        self.advance(self.runs.len() as u32 - 1);
    }

    /// Takes the next mutation of a run as the head of that run.
    fn advance(&mut self, run: u32) {
        let places = &mut self.runs[run as usize];
        match places.pop() {
            Some((hash, place)) => self.heads.push(Reverse((hash, Reverse(place), run))),
            None => self.allocated -= std::mem::take(places).capacity() * size_of::<Place>(),
        }
    }

    /// Merges one mutation. Returns whether there was something to do.
    fn merge(&mut self, log: &Log) -> bool {
        count_probes(1);
        self.drop_some();
        let Some(Reverse((hash, Reverse(place), run))) = self.heads.pop() else {
            return !self.dropped.is_empty();
        };
        self.advance(run);
        match self.group {
            Some((same, newest)) if same == hash => {
                let (namespace, key) = key_at(log, place);
                if key_at(log, newest) == (namespace, key) || !self.others.insert((namespace, key.into())) {
                    return true;
                }
            }
            _ => {
                self.group = Some((hash, place));
                if !self.others.is_empty() {
                    self.dropped.push(std::mem::take(&mut self.others));
                }
            }
        }
        self.merged.push_from(log, place);
        true
    }

    /// Drops two keys. There are more only if keys were chosen to have the same hash.
    fn drop_some(&mut self) {
        for _ in 0..2 {
            if self.dropped.last_mut().is_some_and(|keys| keys.pop_first().is_none()) {
                self.dropped.pop();
            }
        }
    }
}
