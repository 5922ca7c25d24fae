//! Scenarios 1 and 3 below the contract: the native directory's own system calls.

use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::testing::crash_certificate::certify;
use alluvium_core::directory::{DirectoryError, SimulatedDirectory, block_on};
use alluvium_test_harness::oracle::{
    Action, CALM, Journal, Promises, SeenStates, Session, Stop, examine, history, survives_error,
};
use alluvium_test_harness::power_failure::{Fail, FileSystem, NativeStorage, Recorder};
use alluvium_test_harness::scratch;
use alluvium_test_harness::tally::{Budget, Tally, each_case, guarded};
use rustix::io::Errno;

use crate::scenarios::crash::retained;

/// A run over a native directory, with the journal at each moment.
struct Run {
    recorder: Arc<Recorder>,
    promises: Promises,
}

impl Run {
    fn new(journal: Journal) -> Self {
        Self { recorder: Arc::default(), promises: Promises::new(journal) }
    }

    /// Opens as its only writer and acts until the end or until something fails.
    fn act(&self, path: &Path, journal: Journal, actions: &[Action]) -> (Journal, Result<(), Stop>) {
        let opened: Result<NativeDirectory, DirectoryError> =
            NativeDirectory::open_exclusive_watched(path, self.recorder.clone());
        let directory = match opened {
            Ok(directory) => Arc::new(directory),
            Err(error) => return (journal, Err(Stop::Refused(error.into()))),
        };
        let (recorder, promises) = (self.recorder.clone(), self.promises.clone());
        let note = move |journal: &Journal| promises.note(recorder.count(), journal);
        let mut session = Session::new(directory, journal).on_journal(note);
        let outcome = actions.iter().try_for_each(|action| session.act(*action));
        (session.journal, outcome)
    }

    /// Holds every state of every moment to what was promised by then.
    fn examine_all(&self, what: &str, seed: u64, budget: &Budget, known: &SeenStates, tally: &mut Tally) {
        self.promises.examine_all(&self.recorder.calls(), (what, seed), budget, known, tally);
    }
}

/// Scenario 1 below the contract: the power fails after every system call of every workload.
pub fn power_fails_after_every_system_call(budget: Budget) -> Tally {
    let mut tally = Tally::new(1, "power failure after every system call", "distinct crash states");
    if let Err(error) = scratch() {
        return tally.skip(format!("no scratch directory: {error}"));
    }
    let known = SeenStates::default();
    each_case(&budget, &mut tally, |case, tally| {
        let actions = history(case, &budget);
        if let Err(error) = power_fails((&actions, retained(case)), budget.seed_of(case), &budget, &known, tally) {
            tally.note(Err(format!("{actions:?}: no scratch directory any more: {error}")));
        }
    });
    tally
}

fn power_fails(
    (actions, retained): (&[Action], usize),
    seed: u64,
    budget: &Budget,
    known: &SeenStates,
    tally: &mut Tally,
) -> std::io::Result<()> {
    let scratch = scratch()?;
    let run = Run::new(Journal::keeping(retained));
    let (journal, outcome) = run.act(scratch.path(), Journal::keeping(retained), actions);
    if let Err(stop) = outcome {
        tally.note(Err(format!("{actions:?} without any fault: {stop:?}")));
        return Ok(());
    }
    run.examine_all(&format!("{actions:?}"), seed, budget, known, tally);
    // The same with the process killed at one moment and started again before the power fails: the
    // names that it left must be settled before anything is built on them.
    let mut random = fastrand::Rng::with_seed(seed);
    let killed_at = random.usize(..run.recorder.asked().max(1));
    let again = tempfile::tempdir_in(scratch.path())?;
    let run = Run::new(Journal::keeping(retained));
    run.recorder.fail(Fail::kill(killed_at));
    let (left, outcome) = run.act(again.path(), Journal::keeping(retained), actions);
    drop(journal);
    if let Err(Stop::Violation(what)) = outcome {
        tally.note(Err(format!("{actions:?} killed in call {killed_at}: {what}")));
    }
    run.recorder.revive();
    let (_, outcome) = run.act(again.path(), left, &[Action::Reopen, Action::Put, Action::Checkpoint]);
    if let Err(stop) = outcome {
        tally.note(Err(format!("{actions:?} killed in call {killed_at}, started again: {stop:?}")));
    }
    run.examine_all(&format!("{actions:?} killed in call {killed_at}, started again"), seed, budget, known, tally);
    Ok(())
}

/// Scenario 1: the certificate that core exports, for the native directory; with the memory's and the
/// simulation's, which core's own tests ask for, all that keep files natively have it.
pub fn certified(_budget: Budget) -> Tally {
    let mut tally = Tally::new(1, "the crash certificate of the native directory", "crash states");
    if let Err(error) = scratch() {
        return tally.skip(format!("no scratch directory: {error}"));
    }
    let report = block_on(certify(|| NativeStorage::new().expect("a scratch directory, as just before")));
    for what in &report.violations {
        tally.note(Err(what.clone()));
    }
    tally.violated = report.violated;
    tally.tried = report.states;
    tally
}

/// Scenario 3 below the contract: every system call fails, once and for good, with every error.
pub fn every_system_call_fails(budget: Budget) -> Tally {
    let mut tally = Tally::new(3, "every system call fails, once and lasting", "faults");
    let actions = [
        Action::Put,
        Action::Checkpoint,
        Action::Put,
        Action::Checkpoint,
        Action::Put,
        Action::Opaque,
        Action::DeleteCheckpoint,
        Action::Put,
        Action::Checkpoint,
        Action::Cleanup,
    ];
    let calls = |run: &Run| run.recorder.asked();
    let Ok(whole) = scratch() else { return tally.skip("no scratch directory") };
    let run = Run::new(Journal::new());
    if let (_, Err(stop)) = run.act(whole.path(), Journal::new(), &actions) {
        tally.note(Err(format!("{actions:?} without any fault: {stop:?}")));
        return tally;
    }
    let errors = [Errno::IO, Errno::NOSPC, Errno::ROFS, Errno::DQUOT, Errno::ACCESS, Errno::MFILE];
    let all = calls(&run) as u64 * errors.len() as u64 * 2;
    for (cases, case) in (0..).zip(budget.order(all).iter()) {
        if !budget.allows(cases) {
            break;
        }
        let case = case as usize;
        let call = case / (errors.len() * 2);
        let errno = errors[case / 2 % errors.len()].raw_os_error();
        let fail = Fail { call, errno, lasting: case % 2 == 1, killed: false };
        tally.note(guarded(|| one_fault(&actions, fail)).map_err(|what| format!("{fail:?}: {what}")));
    }
    tally
}

fn one_fault(actions: &[Action], fail: Fail) -> Result<(), String> {
    let scratch = scratch().map_err(|error| error.to_string())?;
    let run = Run::new(Journal::new());
    run.recorder.fail(fail);
    let (mut journal, mut outcome) = run.act(scratch.path(), Journal::new(), actions);
    // The error is reported. To continue, a caller opens the directory again, and by then the cause is gone.
    if let Err(Stop::Violation(what)) = outcome {
        return Err(what);
    }
    run.recorder.revive();
    (journal, outcome) = run.act(scratch.path(), journal, &[Action::Reopen, Action::Put, Action::Checkpoint]);
    if let Err(stop) = outcome {
        return Err(format!("after the error, with its cause gone: {stop:?}"));
    }
    // What is visible now, and what a power failure makes of it.
    let mut files = FileSystem::new();
    for call in run.recorder.calls() {
        files.apply(&call);
    }
    let visible = Arc::new(SimulatedDirectory::from_nodes(1, files.visible()));
    survives_error(&visible, &journal)?;
    for state in files.crash_states(1) {
        examine(&state, &journal, 1, CALM).map_err(|what| format!("and then the power fails: {what}"))?;
    }
    Ok(())
}
