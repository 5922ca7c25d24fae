//! Scenario 1 beneath the component: the power fails after every call that it makes of WASI's file system,
//! and each state that this may leave is held to what was promised.
//!
//! `ALLUVIUM_HISTORIES=N` goes through so many histories instead of a few, `ALLUVIUM_SEED=S` through
//! others.

use std::path::Path;

use alluvium_test_harness::oracle::{CALM, Journal, RETAINED, SeenStates};
use alluvium_test_harness::power_failure::FileSystem;
use alluvium_test_harness::tally::Tally;
use alluvium_test_harness::{Expected, STORE_ID};
use wasmtime::component::ResourceAny;

use crate::recorded::{Record, engine};
use crate::support::{Engine, Error, OpenOptions, options};

/// What a history is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Put,
    Delete,
    Checkpoint,
    Sync,
    Cleanup,
    DeleteNewest,
    Restore,
    Reopen,
}

const ACTIONS: [Action; 8] = [
    Action::Put,
    Action::Delete,
    Action::Checkpoint,
    Action::Sync,
    Action::Cleanup,
    Action::DeleteNewest,
    Action::Restore,
    Action::Reopen,
];

/// A manager inside the component, and what it was promised.
struct Session<'a> {
    directory: &'a Path,
    record: Record,
    engine: Option<(Engine, ResourceAny)>,
    expected: Expected,
    journal: Journal,
    /// After so many calls this was the journal.
    promises: Vec<(usize, Journal)>,
    steps: u64,
}

fn opening() -> OpenOptions {
    OpenOptions {
        store_id: Some(STORE_ID.to_vec()),
        max_retained: u32::try_from(RETAINED).expect("small"),
        ..options()
    }
}

impl<'a> Session<'a> {
    fn new(directory: &'a Path, record: &Record) -> Self {
        let journal = Journal::new();
        let promises = vec![(0, journal.clone())];
        Self {
            directory,
            record: record.clone(),
            engine: None,
            expected: Expected::default(),
            journal,
            promises,
            steps: 0,
        }
    }

    fn promise(&mut self, change: impl FnOnce(&mut Journal)) {
        change(&mut self.journal);
        self.promises.push((self.record.count(), self.journal.clone()));
    }

    /// Opens by an instance of its own; what comes back must be one of what was promised.
    fn open(&mut self) -> Result<(), Error> {
        self.engine = None;
        let mut engine = engine(self.directory, &self.record);
        let manager = engine.open(&opening())?;
        let found = expected(&mut engine, manager);
        let is_promised = self.journal.acceptable.contains(&found);
        assert!(is_promised, "came back with {found:?}, and was promised {:?}", self.journal.acceptable);
        let latest = engine.on(manager, |m, s, this| m.call_latest(s, this))?.map(|info| info.id);
        let has_log = engine.on(manager, |m, s, this| m.call_wal_size(s, this)) > 0;
        self.promise(|journal| {
            journal.acknowledge(&found);
            match latest {
                // Its log brought it further than what the checkpoint itself holds.
                Some(id) if has_log => journal.tails.entry(id).or_default().push(found.clone()),
                Some(id) => drop(journal.kept.insert(id, found.clone())),
                None => {}
            }
            journal.keep(journal.retained);
        });
        self.expected = found;
        self.engine = Some((engine, manager));
        Ok(())
    }

    fn opened(&mut self) -> Result<(&mut Engine, ResourceAny), Error> {
        if self.engine.is_none() {
            self.open()?;
        }
        let (engine, manager) = self.engine.as_mut().expect("just opened");
        Ok((engine, *manager))
    }

    fn act(&mut self, action: Action) -> Result<(), Error> {
        self.opened()?;
        self.steps += 1;
        match action {
            Action::Put => {
                let key = format!("key {}", self.steps % 3).into_bytes();
                let value = format!("value {} after position {}", self.steps, self.expected.wal_position).into_bytes();
                let (engine, manager) = self.opened()?;
                engine.put(manager, &key, &value)?;
                self.expected.state.insert(key, value);
                Ok(())
            }
            Action::Delete => {
                let Some(key) = self.expected.state.keys().next().cloned() else { return Ok(()) };
                let (engine, manager) = self.opened()?;
                engine.on(manager, |m, s, this| m.call_delete(s, this, &key))?;
                self.expected.state.remove(&key);
                Ok(())
            }
            Action::Checkpoint => self.checkpoint(),
            Action::Sync => self.sync(),
            Action::Cleanup => {
                self.promise(|journal| journal.keep(1));
                let (engine, manager) = self.opened()?;
                engine.on(manager, |m, s, this| m.call_retain(s, this, 1)).map(drop)
            }
            Action::DeleteNewest => self.delete_newest(),
            Action::Restore => self.restore(),
            Action::Reopen => self.open(),
        }
    }

    /// Moves everything on together, so that no two checkpoints share any of it.
    fn advance(&mut self) -> Result<Expected, Error> {
        let mut next = self.expected.clone();
        next.epoch += 1;
        next.wal_position += 1;
        next.source_offsets.insert("input".into(), next.wal_position * 10);
        next.watermark = i64::try_from(next.wal_position * 1_000).ok();
        self.promise(|journal| journal.checkpointing(&next));
        let (epoch, offset, watermark) = (next.epoch, next.wal_position * 10, next.watermark.unwrap_or_default());
        let (engine, manager) = self.opened()?;
        engine.on(manager, |m, s, this| m.call_set_epoch(s, this, epoch))?;
        engine.on(manager, |m, s, this| m.call_set_source_offset(s, this, "input", offset))?;
        engine.on(manager, |m, s, this| m.call_set_watermark(s, this, watermark));
        Ok(next)
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        let next = self.advance()?;
        let position = next.wal_position;
        let (engine, manager) = self.opened()?;
        let report = engine.on(manager, |m, s, this| m.call_checkpoint(s, this, position))?;
        self.acknowledge(report.info.id, next);
        Ok(())
    }

    fn acknowledge(&mut self, id: u64, expected: Expected) {
        self.expected = expected.clone();
        self.promise(|journal| journal.checkpointed(id, expected));
    }

    fn sync(&mut self) -> Result<(), Error> {
        let kept = self.journal.kept.clone();
        let next = self.advance()?;
        let position = next.wal_position;
        let (engine, manager) = self.opened()?;
        engine.on(manager, |m, s, this| m.call_sync(s, this, position))?;
        let latest = engine.on(manager, |m, s, this| m.call_latest(s, this))?.map(|info| info.id);
        match latest {
            // Where there is nothing that a log could follow, it was a checkpoint.
            Some(id) if !kept.contains_key(&id) => self.acknowledge(id, next),
            latest => {
                self.expected = next.clone();
                self.promise(|journal| {
                    journal.acknowledge(&next);
                    journal.kept = kept;
                    if let Some(id) = latest {
                        journal.tails.entry(id).or_default().push(next);
                    }
                });
            }
        }
        Ok(())
    }

    fn delete_newest(&mut self) -> Result<(), Error> {
        let (engine, manager) = self.opened()?;
        let listed = engine.on(manager, |m, s, this| m.call_list_checkpoints(s, this))?;
        let Some(newest) = listed.first().map(|info| info.id) else { return Ok(()) };
        let mut before = vec![Expected::default()];
        if let Some(info) = listed.get(1) {
            // Known only to whoever took it: not ours to delete up to.
            let Some(expected) = self.journal.kept.get(&info.id) else { return Ok(()) };
            before = vec![expected.clone()];
            before.extend(self.journal.tails.get(&info.id).cloned().unwrap_or_default());
        }
        self.promise(|journal| {
            for expected in &before {
                journal.submit(expected);
            }
            journal.kept.remove(&newest);
        });
        let (engine, manager) = self.opened()?;
        engine.on(manager, |m, s, this| m.call_delete_checkpoint(s, this, newest))?;
        self.promise(|journal| journal.acceptable = before);
        Ok(())
    }

    fn restore(&mut self) -> Result<(), Error> {
        let Some((id, expected)) = self.journal.kept.first_key_value() else { return Ok(()) };
        let (id, expected) = (*id, expected.clone());
        self.promise(|journal| journal.checkpointing(&expected));
        let (engine, manager) = self.opened()?;
        let restored = engine.on(manager, |m, s, this| m.call_restore(s, this, id))?;
        self.acknowledge(restored.id, expected);
        Ok(())
    }

    /// Every state of every moment, held to what was promised by then.
    fn examine_all(&self, what: &str, seed: u64, known: &SeenStates, tally: &mut Tally) {
        let calls = self.record.calls();
        let mut promises = self.promises.iter().peekable();
        let mut journal = &Journal::new();
        let mut files = FileSystem::new();
        for moment in 0..=calls.len() {
            while let Some((_, next)) = promises.next_if(|(count, _)| *count <= moment) {
                journal = next;
            }
            for state in files.crash_states(seed ^ moment as u64) {
                let place = || {
                    let before = &calls[moment.saturating_sub(6)..moment];
                    format!("{what}, power failing after call {moment} of {}, {before:?}", calls.len())
                };
                known.examine((&state, journal), seed.wrapping_add(moment as u64), CALM, tally, place);
            }
            if let Some(call) = calls.get(moment) {
                files.apply(call);
            }
        }
    }
}

/// What a manager inside the component holds.
fn expected(engine: &mut Engine, manager: ResourceAny) -> Expected {
    let cursor = engine.on(manager, |m, s, this| m.call_iterate(s, this, b""));
    let offsets = engine.on(manager, |m, s, this| m.call_source_offsets(s, this));
    Expected {
        state: engine.walk(cursor, 100).into_iter().collect(),
        source_offsets: offsets.into_iter().map(|offset| (offset.source, offset.offset)).collect(),
        watermark: engine.on(manager, |m, s, this| m.call_watermark(s, this)),
        epoch: engine.on(manager, |m, s, this| m.call_epoch(s, this)),
        wal_position: engine.on(manager, |m, s, this| m.call_wal_position(s, this)),
        annotations: std::collections::BTreeMap::default(),
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |number| number.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn the_power_fails_after_every_call_of_the_file_system() {
    let (histories, seed) = (number("ALLUVIUM_HISTORIES", 12), number("ALLUVIUM_SEED", 1));
    let mut tally = Tally::new(1, "power failure after every call of WASI", "distinct crash states");
    let known = SeenStates::default();
    let mut calls = 0;
    for history in 0..histories {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(history));
        let mut actions = vec![Action::Put, Action::Checkpoint];
        actions.extend((0..random.usize(2..7)).map(|_| ACTIONS[random.usize(..ACTIONS.len())]));
        actions.extend([Action::Put, Action::Checkpoint]);

        let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory");
        let record = Record::default();
        let mut session = Session::new(scratch.path(), &record);
        let outcome = actions.iter().try_for_each(|action| session.act(*action));
        assert!(outcome.is_ok(), "{actions:?} without any fault: {outcome:?}");
        session.engine = None;
        session.examine_all(&format!("{actions:?}"), seed, &known, &mut tally);
        calls += record.count();

        // Killed in one of its calls, started anew, and then the power fails.
        let dies_at = random.usize(..record.asked());
        let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory");
        let record = Record::default();
        record.dies_at(Some(dies_at));
        let mut session = Session::new(scratch.path(), &record);
        let _ = actions.iter().try_for_each(|action| session.act(*action));
        session.engine = None;
        record.dies_at(None);
        let what = format!("{actions:?} killed in call {dies_at}, started anew");
        let anew = [Action::Reopen, Action::Checkpoint, Action::Put, Action::Checkpoint];
        let outcome = anew.iter().try_for_each(|action| session.act(*action));
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
        session.engine = None;
        session.examine_all(&what, seed, &known, &mut tally);
    }
    println!("{calls} calls of {histories} histories, seed {seed}");
    assert!(calls > 100, "only {calls} calls were recorded: is the file system linked under another name?");
    tally.report(seed);
    tally.assert(20 * histories);
}
