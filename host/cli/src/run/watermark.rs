//! The watermark that the inputs allow.

use std::time::Duration;

use super::cursors::Cursors;

/// How far an input, or a partition that is read beside others, has come.
struct Reached {
    time_ms: Option<i64>,
    has_ended: bool,
    is_idle: bool,
}

impl Cursors {
    /// Returns the watermark that all partitions allow: the least of their largest event times. There is
    /// none before each of them had an event time. Partitions that are read in turn are one sequence.
    ///
    /// What has ended does not hold others up, nor does a partition without a record for so long as `idle` says. If all
    /// are idle, none holds another up, and the watermark is the greatest of theirs. An input without event times, as a
    /// table, holds them up until its end, if it has one.
    pub(super) fn watermark_ms(&self, idle: Option<Duration>) -> Option<i64> {
        let lanes = self.order.lanes();
        if lanes.iter().any(|lane| !lane.has_times && !lane.has_ended()) {
            return None;
        }
        let in_order = lanes.iter().filter(|lane| lane.has_times).map(|lane| Reached {
            time_ms: lane.time_ms,
            has_ended: lane.has_ended(),
            is_idle: lane.is_quiet(idle),
        });
        let live = self.all.iter().filter(|cursor| cursor.kind.is_live() && !cursor.time_column.is_empty());
        let live = live.map(|cursor| Reached {
            time_ms: cursor.time_ms(),
            has_ended: cursor.has_ended,
            is_idle: idle.is_some_and(|idle| cursor.last_read.elapsed() >= idle),
        });
        least(&in_order.chain(live).collect::<Vec<_>>())
    }
}

fn least(timed: &[Reached]) -> Option<i64> {
    let mut active = timed.iter().filter(|it| !it.has_ended && !it.is_idle).peekable();
    if active.peek().is_some() {
        return active.map(|it| it.time_ms).min().flatten();
    }
    // What is not active has ended or is idle.
    if timed.iter().all(|it| it.has_ended) {
        timed.iter().map(|it| it.time_ms).min().flatten()
    } else {
        timed.iter().filter_map(|it| it.time_ms).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_or_is_idle_holds_nothing_up() {
        let at = |time_ms: i64| Reached { time_ms: Some(time_ms), has_ended: false, is_idle: false };
        let ended = |time_ms: i64| Reached { has_ended: true, ..at(time_ms) };
        let idle = |time_ms: i64| Reached { is_idle: true, ..at(time_ms) };
        let none = Reached { time_ms: None, ..at(0) };
        assert_eq!(least(&[at(5), at(3)]), Some(3));
        assert_eq!(least(&[at(5), none]), None, "nothing was seen of one");
        assert_eq!(least(&[at(5), ended(3)]), Some(5));
        assert_eq!(least(&[at(5), idle(3)]), Some(5));
        assert_eq!(least(&[idle(5), idle(3), ended(9)]), Some(9), "if all are idle, the greatest counts");
        assert_eq!(least(&[ended(5), ended(3)]), Some(3));
        assert_eq!(least(&[]), None);
    }
}
