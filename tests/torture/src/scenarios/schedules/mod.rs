//! Scenario 9, both at once: two writers without a lock, in every order of their calls.
//!
//! Each call of the directory yields first, so two operations can be driven one call at a time. A
//! schedule says whose turn it is. All schedules of a pair are tried, or a number drawn by seed.

mod work;

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{IncrementalCheckpointError as Error, tools::inspect};
use alluvium_test_harness::oracle::undamaged;
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Expected, keep, memory, open_with, options};

use work::{Before, Ended, Manager, WORKS, Work, yielding};

/// Up to this many orders of a pair are all tried. Of more, this many are drawn.
const ORDERS_MAX: u64 = 20_000;

/// What two deleting writers leave.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remaining {
    checkpoints: Vec<u64>,
    expected: Expected,
}

fn listed(directory: &Arc<MemoryDirectory>) -> Result<Vec<u64>, String> {
    let listed = block_on(inspect::list_checkpoints(&**directory)).map_err(|error| error.to_string())?;
    Ok(listed.into_iter().map(|checkpoint| checkpoint.id).collect())
}

impl Before {
    /// What is left when writers that opened together work one after the other, each to its end.
    fn alone(&self, works: &[Work]) -> Remaining {
        let directory = memory(self.files.clone());
        let open = || open_with(&yielding(&directory), keep(2), options()).expect("it is whole");
        let managers: Vec<Manager> = works.iter().map(|_| open()).collect();
        for (work, manager) in works.iter().zip(managers) {
            // A writer may get an error; only what is left on disk counts.
            let _ = block_on(work.run(Some(manager), yielding(&directory), "alone", self));
        }
        let expected =
            open_with(&directory, keep(2), options()).map(|manager| Expected::of(&manager)).expect("it is whole");
        Remaining { checkpoints: listed(&directory).expect("memory lists"), expected }
    }

    fn serial(&self, [first, second]: [Work; 2]) -> Vec<Remaining> {
        vec![self.alone(&[first, second]), self.alone(&[second, first])]
    }
}

/// Two operations under one schedule, and the outcome.
struct Played {
    /// Whose turn each call was, and whether the other one could have had it.
    turns: Vec<(bool, bool)>,
    outcome: Result<(), String>,
}

/// Lets both run; `choose` is asked for whose turn it is, wherever there is a choice.
fn play(works: [Work; 2], before: &Before, mut choose: impl FnMut(usize) -> bool) -> Played {
    let directory = memory(before.files.clone());
    let both = yielding(&directory);
    let open = |work: Work| {
        let opened = (!work.opens()).then(|| open_with(&yielding(&directory), keep(2), options()).ok());
        opened.flatten()
    };
    let run = |work: Work, name| Box::pin(work.run(open(work), both.clone(), name, before));
    let mut futures = [Some(run(works[0], "first")), Some(run(works[1], "second"))];
    let mut ended = [Ended::default(), Ended::default()];
    let mut turns = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    loop {
        let second = match (&futures[0], &futures[1]) {
            (None, None) => break,
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(_), Some(_)) => choose(turns.len()),
        };
        turns.push((second, futures[0].is_some() && futures[1].is_some()));
        let at = usize::from(second);
        let polled = futures[at].as_mut().map(|future| future.as_mut().poll(&mut context));
        if let Some(Poll::Ready(end)) = polled {
            (futures[at], ended[at]) = (None, end);
        }
    }
    drop(futures);
    Played { turns, outcome: judge(works, &ended, &directory, before) }
}

fn judge(
    works: [Work; 2],
    ended: &[Ended; 2],
    directory: &Arc<MemoryDirectory>,
    before: &Before,
) -> Result<(), String> {
    let told = format!("{:?} and {:?}", ended[0].error, ended[1].error);
    for (work, end) in works.iter().zip(ended) {
        match &end.error {
            None | Some(Error::Fenced(_) | Error::NotFound(_)) => {}
            // Opening while files are deleted may find one missing: that is an error, and nothing was written.
            Some(Error::Corruption { .. }) if work.opens() || *work == Work::Restore => {}
            Some(error) => return Err(format!("{work:?} was told {error:?}")),
        }
    }
    let found = open_with(directory, keep(2), options()).map_err(|error| format!("{told}, then {error}"))?;
    let found = Expected::of(&found);
    undamaged(&**directory, "after both").map_err(|what| format!("{told}, then {what}"))?;
    for ((work, end), name) in works.iter().zip(ended).zip(["first", "second"]) {
        if work.puts() && end.acknowledged.is_some() && !found.state.contains_key(name.as_bytes()) {
            return Err(format!("{told}: what {work:?} was told is durable is gone: {found:?}"));
        }
    }
    let after = Remaining { checkpoints: listed(directory)?, expected: found.clone() };
    let acknowledged: Vec<&Expected> = ended.iter().filter_map(|end| end.acknowledged.as_ref()).collect();
    let fine = if works.iter().all(|work| work.only_deletes()) {
        // What is left is what would be if one had come after the other, or if the fenced one had not
        // come at all.
        let mut serial = before.serial(works);
        if ended.iter().any(|end| end.error.is_some()) {
            serial.extend(works.map(|work| before.alone(&[work])));
        }
        if !serial.contains(&after) {
            return Err(format!("{told}: {after:?} is left, and one after the other leaves one of {serial:?}"));
        }
        true
    } else if acknowledged.is_empty() {
        let submitted = ended.iter().filter_map(|end| end.submitted.as_ref());
        submitted.chain(before.checkpoints.last()).any(|expected| *expected == found)
    } else {
        acknowledged.contains(&&found)
    };
    if !fine {
        return Err(format!("{told}: came back with {found:?}, and {acknowledged:?} was acknowledged"));
    }
    // A writer that opens now can continue, with a sync and with a checkpoint.
    let mut manager = open_with(directory, keep(2), options()).map_err(|error| error.to_string())?;
    for position in [20, 30] {
        let mut go_on = || {
            manager.put(b"third", &[position])?;
            block_on(manager.sync(position.into()))?;
            block_on(manager.create_checkpoint(position.into()))
        };
        go_on().map_err(|error| format!("{told}; the writer that came after both got {error}"))?;
    }
    let expected = Expected::of(&manager);
    let found = open_with(directory, keep(2), options()).map_err(|error| format!("{told}, at last {error}"))?;
    if Expected::of(&found) != expected {
        return Err(format!("{told}; the writer that came after both lost something"));
    }
    undamaged(&**directory, "after a third")
}

/// Scenario 9.
pub fn every_order_of_two_writers(budget: Budget) -> Tally {
    let mut tally = Tally::new(9, "two writers at once, in every order of calls", "orders");
    let before = Before::new();
    let pairs = (WORKS.len() * WORKS.len()) as u64;
    // Each pair has its share of the time, and which comes first differs from seed to seed.
    for (done, pair) in (0..).zip(budget.order(pairs).iter()) {
        let works = [WORKS[pair as usize / WORKS.len()], WORKS[pair as usize % WORKS.len()]];
        orders_of(works, &before, &budget.part(1, (pairs - done) as u32), &mut budget.random(pair), &mut tally);
    }
    tally
}

/// Plays one pair: depth first while half of its budget lasts, and then in orders that are drawn.
fn orders_of(works: [Work; 2], before: &Before, budget: &Budget, random: &mut fastrand::Rng, tally: &mut Tally) {
    let [first, second] = works;
    let mut note = |played: &Played| {
        let order: String = played.turns.iter().map(|(second, _)| if *second { '2' } else { '1' }).collect();
        let outcome = played.outcome.clone();
        tally.note(outcome.map_err(|what| format!("{first:?} (1) and {second:?} (2), {order}: {what}")));
    };
    // The latest choice that was not made the other way is made so next.
    let mut prefix: Vec<bool> = Vec::new();
    let walk = budget.part(1, 2);
    for order in 0..ORDERS_MAX {
        if !walk.allows(order) {
            break;
        }
        let played = guarded_play(works, before, |turn| prefix.get(turn).copied().unwrap_or(false));
        note(&played);
        let choice = played.turns.iter().rposition(|(second, free)| *free && !*second);
        let Some(choice) = choice else { return };
        prefix = played.turns[..choice].iter().map(|(second, _)| *second).collect();
        prefix.push(true);
    }
    // There are more orders: the walk has only changed the end, so as many are drawn.
    for order in 0..ORDERS_MAX {
        if !budget.allows(order) {
            break;
        }
        note(&guarded_play(works, before, |_| random.bool()));
    }
}

fn guarded_play(works: [Work; 2], before: &Before, choose: impl FnMut(usize) -> bool) -> Played {
    let mut turns = Vec::new();
    let outcome = guarded(|| {
        let played = play(works, before, choose);
        turns = played.turns;
        played.outcome
    });
    Played { turns, outcome }
}
