//! Scenario 1 below the component: the power fails after every call that it makes of WASI's file
//! system, and each state that this may leave is held to what was promised.
//!
//! `ALLUVIUM_HISTORIES=N` goes through that many histories instead of a few, `ALLUVIUM_SEED=S` through
//! others, and `ALLUVIUM_SEEDS=N` through as many of each of N seeds from that one on.

use std::path::Path;

use alluvium_test_harness::oracle::{ACTIONS, Action, Journal, Promises, RETAINED, SeenStates, Session, Stop, Subject};
use alluvium_test_harness::tally::{Budget, Tally};
use alluvium_test_harness::{Expected, number, scratch};
use wasmtime::component::ResourceAny;

use crate::recorded::{Record, engine};
use crate::support::{Engine, Error, OpenOptions, options};

/// A manager inside the component.
struct Component<'a> {
    directory: &'a Path,
    record: Record,
    open: Option<(Engine, ResourceAny)>,
}

fn opening() -> OpenOptions {
    OpenOptions { max_retained: u32::try_from(RETAINED).expect("small"), ..options() }
}

impl<'a> Component<'a> {
    fn new(directory: &'a Path, record: &Record) -> Self {
        Self { directory, record: record.clone(), open: None }
    }

    fn opened(&mut self) -> (&mut Engine, ResourceAny) {
        let (engine, manager) = self.open.as_mut().expect("the session opens before it acts");
        (engine, *manager)
    }

    /// Moves the manager to the epoch and the positions of `next`.
    fn advance(&mut self, next: &Expected) -> Result<(), Error> {
        let (engine, manager) = self.opened();
        engine.on(manager, |m, s, this| m.call_set_epoch(s, this, next.epoch))?;
        for (source, offset) in &next.source_offsets {
            engine.on(manager, |m, s, this| m.call_set_source_offset(s, this, source, *offset))?;
        }
        engine.on(manager, |m, s, this| m.call_set_watermark(s, this, next.watermark.unwrap_or_default()));
        Ok(())
    }
}

impl Subject for Component<'_> {
    type Error = Error;

    /// Opens in an instance of its own, as a new process would.
    fn open(&mut self) -> Result<(), Error> {
        self.open = None;
        let mut engine = engine(self.directory, &self.record);
        let manager = engine.open(&opening())?;
        self.open = Some((engine, manager));
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn close(&mut self) {
        self.open = None;
    }

    fn content(&mut self) -> Expected {
        let (engine, manager) = self.opened();
        content(engine, manager)
    }

    fn content_of(&mut self, id: u64) -> Result<Expected, Error> {
        let mut engine = engine(self.directory, &self.record);
        let manager = engine.open(&OpenOptions { checkpoint: Some(id), ..opening() })?;
        Ok(content(&mut engine, manager))
    }

    fn is_trouble_of_the_directory(&self, error: &Error) -> bool {
        matches!(error, Error::Io(_) | Error::Fenced(_))
    }

    fn latest(&mut self) -> Result<Option<u64>, Error> {
        let (engine, manager) = self.opened();
        Ok(engine.on(manager, |m, s, this| m.call_latest(s, this))?.map(|info| info.id))
    }

    fn listed(&mut self) -> Result<Vec<u64>, Error> {
        let (engine, manager) = self.opened();
        let listed = engine.on(manager, |m, s, this| m.call_list_checkpoints(s, this))?;
        Ok(listed.into_iter().map(|info| info.id).collect())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let (engine, manager) = self.opened();
        engine.put(manager, key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Error> {
        let (engine, manager) = self.opened();
        engine.on(manager, |m, s, this| m.call_delete(s, this, 0, key)).map(drop)
    }

    fn checkpoint(&mut self, next: &Expected) -> Result<u64, Error> {
        self.advance(next)?;
        let (engine, manager) = self.opened();
        let report = engine.on(manager, |m, s, this| m.call_checkpoint(s, this, next.wal_position))?;
        Ok(report.info.id)
    }

    fn checkpoint_with_state(&mut self, _: &Expected, _: &[u8]) -> Result<u64, Error> {
        unreachable!("the component's interface takes no opaque state, and no history here asks for one")
    }

    fn sync(&mut self, next: &Expected) -> Result<(), Error> {
        self.advance(next)?;
        let (engine, manager) = self.opened();
        engine.on(manager, |m, s, this| m.call_sync(s, this, next.wal_position))
    }

    fn keep_newest(&mut self) -> Result<(), Error> {
        let (engine, manager) = self.opened();
        engine.on(manager, |m, s, this| m.call_retain(s, this, 1)).map(drop)
    }

    fn delete_checkpoint(&mut self, id: u64) -> Result<(), Error> {
        let (engine, manager) = self.opened();
        engine.on(manager, |m, s, this| m.call_delete_checkpoint(s, this, id)).map(drop)
    }

    fn restore(&mut self, id: u64) -> Result<u64, Error> {
        let (engine, manager) = self.opened();
        Ok(engine.on(manager, |m, s, this| m.call_restore(s, this, id))?.id)
    }

    fn import(&mut self, archive: &[u8]) -> Result<u64, Error> {
        let mut engine = engine(self.directory, &self.record);
        let manager = engine.import(archive, &opening())?;
        let latest = engine.on(manager, |m, s, this| m.call_latest(s, this))?;
        Ok(latest.expect("what was just imported").id)
    }
}

/// Returns what a manager inside the component holds.
fn content(engine: &mut Engine, manager: ResourceAny) -> Expected {
    let cursor = engine.on(manager, |m, s, this| m.call_iterate(s, this, 0, b"")).unwrap();
    let offsets = engine.on(manager, |m, s, this| m.call_source_offsets(s, this));
    let annotations = engine.on(manager, |m, s, this| m.call_annotations(s, this));
    Expected {
        state: engine.walk(cursor, 100).into_iter().collect(),
        source_offsets: offsets.into_iter().map(|offset| (offset.source, offset.offset)).collect(),
        watermark: engine.on(manager, |m, s, this| m.call_watermark(s, this)),
        epoch: engine.on(manager, |m, s, this| m.call_epoch(s, this)),
        wal_position: engine.on(manager, |m, s, this| m.call_wal_position(s, this)),
        annotations: annotations.into_iter().map(|annotation| (annotation.name, annotation.value)).collect(),
        // The interface does not show the others yet.
        ..Expected::default()
    }
}

/// Runs `actions` over `directory` and notes what is promised after each recorded call.
fn act(
    directory: &Path,
    record: &Record,
    promises: &Promises,
    journal: Journal,
    actions: &[Action],
) -> (Journal, Result<(), Stop<Error>>) {
    let note = {
        let (record, promises) = (record.clone(), promises.clone());
        move |journal: &Journal| promises.note(record.count(), journal)
    };
    let mut session = Session::over(Component::new(directory, record), journal).on_journal(note);
    let outcome = actions.iter().try_for_each(|action| session.act(*action));
    (session.journal, outcome)
}

/// One history: the power fails after each of its calls, and after each call of a process that was killed
/// and started again. Returns how many calls the history made.
fn history(case: u64, budget: &Budget, known: &SeenStates, tally: &mut Tally) -> usize {
    let possible: Vec<Action> = ACTIONS.into_iter().filter(|action| *action != Action::Opaque).collect();
    let (mut random, seed) = (budget.random(case), budget.seed_of(case));
    let mut actions = vec![Action::Put, Action::Checkpoint];
    actions.extend((0..random.usize(2..7)).map(|_| possible[random.usize(..possible.len())]));
    actions.extend([Action::Put, Action::Checkpoint]);

    let directory = scratch().expect("a directory");
    let (record, promises) = (Record::default(), Promises::new(Journal::new()));
    if let (_, Err(stop)) = act(directory.path(), &record, &promises, Journal::new(), &actions) {
        tally.note(Err(format!("{actions:?} without any fault: {stop:?}")));
        return record.count();
    }
    promises.examine_all(&record.calls(), (&format!("{actions:?}"), seed), budget, known, tally);
    let calls = record.count();

    // The process is killed in one of its calls and started again, and then the power fails.
    let killed_at = random.usize(..record.asked());
    let directory = scratch().expect("a directory");
    let (record, promises) = (Record::default(), Promises::new(Journal::new()));
    record.kill_at(killed_at);
    let (journal, outcome) = act(directory.path(), &record, &promises, Journal::new(), &actions);
    let what = format!("{actions:?} killed in call {killed_at}, started again");
    if let Err(Stop::Violation(why)) = outcome {
        tally.note(Err(format!("{what}: {why}")));
    }
    record.revive();
    let again = [Action::Reopen, Action::Checkpoint, Action::Put, Action::Checkpoint];
    if let (_, Err(stop)) = act(directory.path(), &record, &promises, journal, &again) {
        tally.note(Err(format!("{what}: {stop:?}")));
    }
    promises.examine_all(&record.calls(), (&what, seed), budget, known, tally);
    calls
}

#[test]
fn the_power_fails_after_every_call_of_the_file_system() {
    let (histories, seed) = (number("ALLUVIUM_HISTORIES").unwrap_or(12), number("ALLUVIUM_SEED").unwrap_or(1));
    let seeds = number("ALLUVIUM_SEEDS").unwrap_or(1);
    let mut tally = Tally::new(1, "power failure after every call of WASI", "distinct crash states");
    let mut calls = 0;
    for seed in seed..seed + seeds {
        let (known, budget) = (SeenStates::default(), Budget { seed, ..Budget::sample(histories) });
        let mut of_seed = Tally::new(tally.scenario, tally.test, tally.unit);
        for case in 0..histories {
            calls += history(case, &budget, &known, &mut of_seed);
        }
        tally.add_seed(seed, of_seed);
    }
    println!("{calls} calls of {histories} histories for each of {seeds} seeds from {seed}");
    assert!(calls > 100, "only {calls} calls were recorded: is the file system linked under another name?");
    tally.report(seed);
    tally.assert(20 * histories * seeds);
}
