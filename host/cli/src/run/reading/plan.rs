//! What is read, and where batches must end.

use super::super::event_time::Times;
use super::super::service::Status;
use super::super::signals::Signals;

/// What is read, and where batches must end.
#[derive(Debug, Clone)]
pub(in crate::run) struct Plan {
    /// The number by which messages name the partition.
    pub(in crate::run) number: usize,
    /// What errors call the source.
    pub(in crate::run) source_name: String,
    /// Where event times are.
    pub(in crate::run) times: Times,
    /// Records of the partition that the checkpoint has consumed.
    pub(in crate::run) consumed: u64,
    /// Records that it has consumed of all partitions that are read in turn, when reading begins.
    pub(in crate::run) consumed_in_turn: u64,
    pub(in crate::run) cuts: Cuts,
    /// Whether bad records are left out.
    pub(in crate::run) skips_bad: bool,
    /// Whether it is a file among many that are followed.
    pub(in crate::run) is_followed: bool,
    /// Whether another source in its place is read from its beginning.
    pub(in crate::run) begins_another: bool,
    /// When to stop.
    pub(in crate::run) signals: Signals,
    /// Where the reader says what it sees.
    pub(in crate::run) status: Status,
}

/// Where batches must end.
#[derive(Debug, Clone, Copy)]
pub(in crate::run) struct Cuts {
    /// Where the records consumed are a multiple of this.
    pub(in crate::run) checkpoint_every: u64,
    /// And of this.
    pub(in crate::run) sync_every: u64,
    /// How many records are read at most.
    pub(in crate::run) records_max: u64,
}

impl Cuts {
    /// How many records a batch may have that begins after `consumed` records, `read` of them now.
    pub(super) fn room(&self, consumed: u64, read: u64) -> u64 {
        let until = |every: u64| every - consumed % every;
        until(self.checkpoint_every).min(until(self.sync_every)).min(self.records_max.saturating_sub(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_end_at_checkpoints_and_at_the_last_record() {
        let check = |consumed, read, every, records_max, expected| {
            let cuts = Cuts { checkpoint_every: every, sync_every: u64::MAX, records_max };
            assert_eq!(cuts.room(consumed, read), expected, "{consumed}, {read} of {records_max}, every {every}");
        };
        check(0, 0, 1_000, u64::MAX, 1_000);
        check(999, 999, 1_000, u64::MAX, 1);
        check(1_000, 0, 1_000, u64::MAX, 1_000);
        check(0, 0, 7, u64::MAX, 7);
        check(20, 0, 7, 3, 1);
        check(21, 1, 7, 3, 2);
        check(0, 0, u64::MAX, u64::MAX, u64::MAX);
        let cuts = Cuts { checkpoint_every: 1_000, sync_every: 300, records_max: u64::MAX };
        assert_eq!([0, 300, 900, 1_000].map(|consumed| cuts.room(consumed, consumed)), [300, 300, 100, 200]);
    }
}
