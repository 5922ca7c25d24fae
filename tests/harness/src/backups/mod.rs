//! Backups that crash or fail at every call, and backups beside a writer that works between any two of their calls.
//!
//! What a backup leaves is always one of the states that the source had: the one of the backup before, or one since.
//! A backup that comes to its end holds at least what was durable when it began. After a crash or an error, the next
//! backup makes of it what an uninterrupted one would have made.

mod writer;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use alluvium_core::directory::{
    Directory, DirectoryErrorKind, Fault, MemoryDirectory, Node, Nodes, SimulatedDirectory, block_on,
};
use alluvium_core::tools::backup::{BackupReport, backup};
use alluvium_core::tools::verify::verify;

use crate::backups::writer::{Writer, content};
use crate::faulty::FaultyDirectory;
use crate::tally::{Budget, Tally, each_case, guarded};
use crate::{Expected, Files};

/// So many states that one crash may leave are examined. Of more, as many are drawn.
const STATES: usize = 24;

/// The errors of the storage that are tried.
const KINDS: [DirectoryErrorKind; 2] = [DirectoryErrorKind::Io, DirectoryErrorKind::NoSpace];

/// Scenario 27 of the catalogue.
pub fn backups(budget: Budget) -> Tally {
    let mut tally = Tally::new(27, "backups: crashes, errors, and a writer beside them", "backups");
    each_case(&budget, &mut tally, |case, tally| {
        let mut random = budget.random(case);
        let history = match History::play(&mut random) {
            Ok(history) => history,
            Err(what) => return tally.note(Err(what)),
        };
        history.crashes(&budget, &mut random, tally);
        history.errors(&budget, tally);
        history.beside_a_writer(&budget, case, tally);
    });
    tally
}

/// A source, and the backup of an earlier moment of it.
struct History {
    seed: u64,
    source: Files,
    /// What the backup of the earlier moment holds. It is empty if there was none.
    before: Nodes,
    /// What the source held at that moment and since, as a restart would have found it.
    states: Vec<Expected>,
    /// What it held before that moment.
    earlier: Vec<Expected>,
    /// What an uninterrupted backup leaves.
    after: Nodes,
}

/// The whole files among what a crash left.
fn files(nodes: &Nodes) -> Files {
    let file = |(path, node): (&String, &Node)| match node {
        Node::File(content) => Some((path.clone(), content.clone())),
        _ => None,
    };
    nodes.iter().filter_map(file).collect()
}

fn back_up<S: Directory, D: Directory>(source: &S, destination: &D) -> Result<BackupReport, String> {
    block_on(backup(source, destination)).map_err(|error| format!("{error:?}"))
}

impl History {
    /// Plays a random history, with a backup in it or without.
    fn play(random: &mut fastrand::Rng) -> Result<Self, String> {
        let seed = random.u64(..);
        let mut writer = Writer::new(random.fork());
        let steps = random.usize(1..=5);
        let mut earlier = vec![content(&writer.source.to_files())?];
        for _ in 0..steps {
            writer.step();
            earlier.push(content(&writer.source.to_files())?);
        }
        let destination = SimulatedDirectory::new(seed);
        let mut states = Vec::new();
        if random.u8(..4) > 0 {
            back_up(&*writer.source, &destination)?;
            states.push(content(&writer.source.to_files())?);
            let steps = random.usize(0..=5);
            for _ in 0..steps {
                writer.step();
                states.push(content(&writer.source.to_files())?);
            }
        }
        let source = writer.source.to_files();
        states.push(content(&source)?);
        let before = destination.to_nodes();
        back_up(&*writer.source, &destination)?;
        let history = Self { seed, source, before, states, earlier, after: destination.to_nodes() };
        history.is_complete(&history.after).map(|()| history)
    }

    fn destination(&self) -> SimulatedDirectory {
        SimulatedDirectory::from_nodes(self.seed, self.before.clone())
    }

    /// Lets the power fail in each call to the destination.
    fn crashes(&self, budget: &Budget, random: &mut fastrand::Rng, tally: &mut Tally) {
        for call in 0.. {
            let destination = self.destination();
            destination.crash_at(call);
            let source = MemoryDirectory::from_files(self.source.clone());
            let outcome = back_up(&source, &destination);
            if !destination.is_down() {
                return tally.note(outcome.map(drop));
            }
            let mut states = destination.crash_states();
            random.shuffle(&mut states);
            for state in states.iter().take(STATES) {
                if !budget.has_time() {
                    return;
                }
                let checked = guarded(|| self.continues_from(state));
                tally.note(checked.map_err(|what| format!("crashed in call {call}: {what}\n  {self}")));
            }
        }
    }

    /// Lets each call to the source and to the destination fail once.
    fn errors(&self, budget: &Budget, tally: &mut Tally) {
        for (in_source, kind) in [false, true].into_iter().flat_map(|source| KINDS.map(|kind| (source, kind))) {
            for call in 0.. {
                if !budget.has_time() {
                    return;
                }
                let source = SimulatedDirectory::from_files(self.seed, self.source.clone());
                let destination = self.destination();
                let failing = if in_source { &source } else { &destination };
                failing.inject(Fault { call, kind, lasting: false });
                let outcome = back_up(&source, &destination);
                let was_called = failing.calls().len() as u64 > call;
                let checked = guarded(|| match &outcome {
                    // What cannot be read now is not damaged.
                    Ok(report) if report.is_damaged() => Err(format!("taken for damage: {report:?}")),
                    Ok(_) => self.is_complete(&destination.to_nodes()),
                    Err(what) if !was_called => Err(what.clone()),
                    Err(_) => self.continues_from(&destination.to_nodes()),
                });
                let place = if in_source { "source" } else { "destination" };
                tally.note(checked.map_err(|what| format!("{kind:?} in call {call} to the {place}: {what}\n  {self}")));
                if !was_called {
                    break;
                }
            }
        }
    }

    /// Lets a writer work before one call to the source, and before some of them.
    fn beside_a_writer(&self, budget: &Budget, case: u64, tally: &mut Tally) {
        for first in 0.. {
            let mut happened = false;
            for more in [0, 3] {
                if !budget.has_time() {
                    return;
                }
                let mut random = budget.random(case ^ first << 20 ^ more << 40);
                // After how many more calls it works again.
                let mut calls = vec![first];
                calls.extend((0..more).map(|_| random.u64(..12)));
                let checked = guarded(|| self.beside(random.fork(), calls.clone(), &mut happened));
                tally.note(checked.map_err(|what| format!("a writer after {calls:?} calls: {what}\n  {self}")));
            }
            if !happened {
                return;
            }
        }
    }

    fn beside(&self, random: fastrand::Rng, calls: Vec<u64>, happened: &mut bool) -> Result<(), String> {
        let writer = Writer::over(self.source.clone(), random)?;
        let source = Arc::new(FaultyDirectory::over(Arc::clone(&writer.source)));
        let states = Arc::new(Mutex::new(vec![content(&self.source)?]));
        let work = Arc::new(Work { writer: Mutex::new(writer), states: Arc::clone(&states) });
        work.after(&Arc::downgrade(&source), calls);
        let destination = self.destination();
        let report = back_up(&*source, &destination)?;
        let states = states.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *happened = states.len() > 1;
        if report.is_damaged() {
            return Err(format!("taken for damage: {:?}", report.findings));
        }
        let found = sound(&destination.to_nodes())?.ok_or("no checkpoint")?;
        if !states.contains(&found) {
            return Err(format!("it holds {found:?}, and the source held {states:?}"));
        }
        let writer = work.writer.lock().unwrap_or_else(PoisonError::into_inner);
        back_up(&*writer.source, &destination)?;
        let last = content(&writer.source.to_files())?;
        let found = sound(&destination.to_nodes())?.ok_or("no checkpoint")?;
        if found == last { Ok(()) } else { Err(format!("the next backup holds {found:?}, and the source {last:?}")) }
    }

    /// What a crash or an error left is sound, and the next backup completes it.
    fn continues_from(&self, left: &Nodes) -> Result<(), String> {
        match sound(left)? {
            Some(found) if self.states.contains(&found) || self.is_on_the_way_back(&found) => {}
            None if sound(&self.before)?.is_none() => {}
            found => return Err(format!("it left {found:?}, and the source held {:?}", self.states)),
        }
        let destination = SimulatedDirectory::from_nodes(self.seed, left.clone());
        let source = MemoryDirectory::from_files(self.source.clone());
        back_up(&source, &destination).map_err(|error| format!("the next backup: {error}"))?;
        self.is_complete(&destination.to_nodes())
    }

    /// Where the source went back to a checkpoint, the WAL files after it go one after another. What is left meanwhile is
    /// what the source held between that checkpoint and the moment of the earlier backup.
    fn is_on_the_way_back(&self, found: &Expected) -> bool {
        let ends = self.states.first().into_iter().chain(self.states.last());
        let oldest = ends.map(|state| state.wal_position).min();
        self.earlier.contains(found) && Some(found.wal_position) >= oldest
    }

    /// This is the state of the source, and holds just what an uninterrupted backup leaves.
    fn is_complete(&self, left: &Nodes) -> Result<(), String> {
        let found = sound(left)?.ok_or("no checkpoint")?;
        if Some(&found) != self.states.last() {
            return Err(format!("complete, and it holds {found:?}, not {:?}", self.states.last()));
        }
        if left != &self.after {
            let names = |nodes: &Nodes| nodes.keys().cloned().collect::<Vec<_>>();
            return Err(format!("complete with {:?}, not {:?}", names(left), names(&self.after)));
        }
        Ok(())
    }
}

/// Checks that nothing is damaged, and returns what a restart would find. It is nothing as long as the first backup was
/// not committed, and then it is refused.
fn sound(left: &Nodes) -> Result<Option<Expected>, String> {
    let files = files(left);
    if !files.keys().any(|path| path.ends_with("/metadata.json")) {
        let opened = content(&files);
        return if opened.is_err() || files.is_empty() { Ok(None) } else { Err("half a backup opened".into()) };
    }
    let report = block_on(verify(&MemoryDirectory::from_files(files.clone()))).map_err(|error| error.to_string())?;
    if report.is_damaged() {
        return Err(format!("damaged: {:?}", report.findings));
    }
    content(&files).map(Some)
}

/// A writer that works while a backup is taken.
struct Work {
    writer: Mutex<Writer>,
    /// What the source held, as a restart would have found it.
    states: Arc<Mutex<Vec<Expected>>>,
}

impl Work {
    /// Lets the writer work before the call that comes after so many more, and so on.
    fn after(self: &Arc<Self>, source: &Weak<FaultyDirectory>, mut calls: Vec<u64>) {
        if calls.is_empty() {
            return;
        }
        let Some(directory) = source.upgrade() else { return };
        let (work, source) = (Arc::clone(self), source.clone());
        directory.before_call(calls.remove(0), move || {
            {
                let mut writer = work.writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.step();
                let state = content(&writer.source.to_files()).expect("a writer's directory opens");
                work.states.lock().unwrap_or_else(PoisonError::into_inner).push(state);
            }
            work.after(&source, calls);
        });
    }
}

impl std::fmt::Display for History {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} backed up to {:?}", self.source.keys(), self.before.keys())
    }
}
