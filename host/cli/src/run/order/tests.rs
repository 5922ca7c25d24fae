//! The order of lanes, whose readers say things at different times.

use alluvium_connectors::source::{Position, Progress};

use super::*;
use crate::run::reading::Read;

/// What is in a lane: batches of so many records, with the event time of the first.
type Content = &'static [(u32, Option<i64>)];

fn read(lane: usize, count: u32, first_ms: Option<i64>) -> Message {
    let read = Read {
        parts: Vec::new(),
        count,
        first_ms,
        position: Position::Offset(0),
        left: Vec::new(),
        progress: Progress::default(),
    };
    Message { from: lane, what: What::Read(read) }
}

/// Everything that the readers of these lanes say.
fn said(lanes: &[Content]) -> Vec<Vec<Message>> {
    let of = |(number, content): (usize, &Content)| {
        let reads = content.iter().map(|(count, first_ms)| read(number, *count, *first_ms));
        reads.chain([What::Ended, What::Over].map(|what| Message { from: number, what })).collect()
    };
    lanes.iter().enumerate().map(of).collect()
}

fn order(count: usize, is_pipe: bool) -> Order {
    let mut order = Order::default();
    for _ in 0..count {
        order.add(Lane::new(true, is_pipe));
        order.lanes.last_mut().expect("a lane").partitions_left = 1;
    }
    order
}

/// Takes what can be taken, and notes the lanes and the records of what was read.
fn drain(order: &mut Order, taken: &mut Vec<(usize, u32)>) {
    while let Some(Message { from, what }) = order.take(None) {
        match what {
            What::Read(read) => {
                order.lane_mut(from).advance(read.count.into(), read.first_ms);
                taken.push((from, read.count));
            }
            _ => order.lane_mut(from).partitions_left = 0,
        }
    }
}

/// The order when readers say things in an order that is drawn.
fn taken(lanes: &[Content], seed: u64) -> Vec<(usize, u32)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut waiting: Vec<_> = said(lanes).into_iter().map(Vec::into_iter).collect();
    let (mut order, mut taken) = (order(lanes.len(), false), Vec::new());
    while !waiting.iter().all(|messages| messages.as_slice().is_empty()) {
        let lane = random.usize(..lanes.len());
        if let Some(message) = waiting[lane].next() {
            order.put(lane, message);
            drain(&mut order, &mut taken);
        }
    }
    taken
}

#[track_caller]
fn check(lanes: &[Content], expected: &[(usize, u32)]) {
    for seed in 0..100 {
        assert_eq!(taken(lanes, seed), expected, "seed {seed}");
    }
}

#[test]
fn the_lane_that_is_furthest_behind_in_time_comes_next() {
    check(
        &[&[(200, Some(10)), (200, Some(40)), (7, Some(50))], &[(200, Some(20)), (200, Some(30)), (9, Some(60))]],
        &[(0, 200), (1, 200), (1, 200), (0, 200), (0, 7), (1, 9)],
    );
}

#[test]
fn a_block_is_taken_to_its_end_however_it_was_cut() {
    check(
        &[&[(150, Some(10)), (50, Some(90)), (200, Some(91))], &[(1, Some(20)), (199, Some(21)), (3, Some(22))]],
        &[(0, 150), (0, 50), (1, 1), (1, 199), (1, 3), (0, 200)],
    );
    // A lane that ends within a block is no reason to wait.
    check(&[&[(30, Some(10))], &[(200, Some(20))]], &[(0, 30), (1, 200)]);
}

#[test]
fn lanes_without_times_come_first_and_take_turns() {
    check(
        &[&[(200, None), (200, None), (1, None)], &[(200, Some(1))], &[(200, None), (2, None)]],
        &[(0, 200), (2, 200), (0, 200), (2, 2), (0, 1), (1, 200)],
    );
}

#[test]
fn a_first_record_without_a_time_has_the_largest_before_it() {
    check(
        &[&[(200, Some(10)), (200, None)], &[(200, Some(5)), (200, Some(12))]],
        &[(1, 200), (0, 200), (0, 200), (1, 200)],
    );
}

#[test]
fn the_order_continues_from_the_records_consumed_and_their_times() {
    let lanes: [Content; 2] = [&[(200, Some(10)), (200, None)], &[(150, Some(5)), (50, Some(6)), (200, Some(12))]];
    let whole = taken(&lanes, 1);
    for stop in 0..whole.len() {
        // A new process reads on behind what was taken.
        let mut again = order(2, false);
        let mut waiting = said(&lanes);
        for (lane, count) in &whole[..stop] {
            let first_ms = match waiting[*lane].remove(0).what {
                What::Read(read) => read.first_ms,
                _ => None,
            };
            again.lane_mut(*lane).advance((*count).into(), first_ms);
        }
        for (lane, messages) in waiting.into_iter().enumerate() {
            for message in messages {
                again.put(lane, message);
            }
        }
        let mut rest = Vec::new();
        drain(&mut again, &mut rest);
        assert_eq!(rest, whole[stop..], "after {stop}");
    }
}

#[test]
fn a_quiet_pipe_is_passed_after_the_idle_timeout_and_a_slow_file_never_is() {
    for is_pipe in [true, false] {
        let mut order = order(2, is_pipe);
        order.put(0, read(0, 5, Some(1)));
        assert!(order.take(None).is_none(), "the other one is waited for");
        assert!(order.take(Some(Duration::from_hours(1))).is_none());
        assert_eq!(order.take(Some(Duration::ZERO)).is_some(), is_pipe);
    }
}

#[test]
fn a_reader_waits_for_credit() {
    let mut order = order(2, false);
    let credits = order.begin(0);
    for _ in 0..WAITING_MAX {
        credits.try_send(()).expect("there is credit");
        order.put(0, read(0, 200, Some(1)));
    }
    assert!(credits.try_send(()).is_err(), "it has read far enough ahead");
    order.put(1, read(1, 200, Some(9)));
    order.take(None).expect("it is its turn");
    credits.try_send(()).expect("it may read on");
}

#[test]
fn after_a_signal_only_what_cannot_be_read_again_is_taken() {
    for (count, is_pipe, expected) in [(2, false, 0), (2, true, 2), (1, false, 1)] {
        let mut order = order(count, is_pipe);
        (0..count).for_each(|lane| order.put(lane, read(lane, 5, None)));
        assert_eq!(std::iter::from_fn(|| order.take_rest()).count(), expected);
    }
}
