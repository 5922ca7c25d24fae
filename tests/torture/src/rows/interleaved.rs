//! Row 9, call by call: while one writer works, another takes over before any one of its calls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alluvium_core::directory::{Directory, DirectoryError, Entry, NewFile, SimulatedDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointError as Error};
use alluvium_tests::{Truth, checkpoint, keep, open_with, options};

use crate::oracle::undamaged;
use crate::tally::{Budget, Tally, guarded};

/// What happens before which call.
type Interruption = (u64, Box<dyn FnOnce() + Send>);

/// What the one who took over found when it opened, and what it was promised in the end.
type Other = Arc<Mutex<Option<Result<(Truth, Truth), String>>>>;

/// A directory that lets something happen before one of its calls.
struct Interrupted {
    inner: Arc<SimulatedDirectory>,
    calls: AtomicU64,
    before: Mutex<Option<Interruption>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Interrupted {
    fn over(inner: Arc<SimulatedDirectory>) -> Self {
        Self { inner, calls: AtomicU64::new(0), before: Mutex::new(None) }
    }

    fn enter(&self) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let due = locked(&self.before).take_if(|(at, _)| *at == call);
        if let Some((_, happen)) = due {
            happen();
        }
    }
}

impl Directory for Interrupted {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.enter();
        self.inner.list().await
    }
    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.enter();
        self.inner.read(path).await
    }
    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.enter();
        self.inner.read_range(path, offset, length).await
    }
    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.enter();
        self.inner.create(batch).await
    }
    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.enter();
        self.inner.delete(paths).await
    }
}

/// What the one who takes over does at once: so many checkpoints, the oldest restored before them.
const TAKEOVERS: [(u64, bool); 7] = [(0, false), (1, false), (2, false), (5, false), (1, true), (2, true), (5, true)];

/// Row 9.
pub fn taken_over_at_every_call(budget: Budget) -> Tally {
    let mut tally = Tally::new(9, "taken over before every call of a writer", "interleavings");
    let mut cases = 0;
    // Where each checkpoint is the whole state, its files are its own, and go with it.
    for (retained, full) in [(1, false), (2, false), (5, false), (1, true), (2, true), (5, true)] {
        let config = keep(retained).with_incremental(!full);
        for (takeover, restores) in TAKEOVERS {
            // Not before the first: whoever opens after the other one is not stale.
            let mut call = 1;
            loop {
                if !budget.allows(cases) {
                    return tally;
                }
                cases += 1;
                let mut happened = false;
                let outcome = guarded(|| interleave(&config, takeover, restores, call, &mut happened));
                let what = format!(
                    "{takeover} checkpoints (restored: {restores}) before call {call}, {retained} kept, full: {full}"
                );
                tally.note(outcome.map_err(|why| format!("{what}: {why}")));
                if !happened {
                    break;
                }
                call += 1;
            }
        }
    }
    tally
}

/// One writer takes three checkpoints; before its call `call` another opens the same directory and
/// takes `takeover` of its own.
fn interleave(
    config: &CheckpointConfig,
    takeover: u64,
    restores: bool,
    call: u64,
    happened: &mut bool,
) -> Result<(), String> {
    let told = |error: Error| error.to_string();
    let storage = Arc::new(SimulatedDirectory::new(1));
    let directory = Arc::new(Interrupted::over(storage.clone()));
    let config = config.clone();
    let other = Other::default();
    {
        let (storage, config, other) = (storage.clone(), config.clone(), other.clone());
        let happen = move || {
            let seize = || -> Result<(Truth, Truth), String> {
                let mut manager = open_with(&storage, config, options()).map_err(told)?;
                let opened = Truth::of(&manager);
                let oldest = block_on(manager.list_checkpoints()).map_err(told)?.last().map(|oldest| oldest.id);
                if let (true, Some(oldest)) = (restores, oldest) {
                    block_on(manager.restore_checkpoint(oldest)).map_err(told)?;
                }
                for n in 0..takeover {
                    manager.put(b"other", &n.to_be_bytes()).map_err(told)?;
                    checkpoint(&mut manager);
                }
                Ok((opened, Truth::of(&manager)))
            };
            *locked(&other) = Some(seize());
        };
        *locked(&directory.before) = Some((call, Box::new(happen)));
    }
    let mut acknowledged = Truth::default();
    let mut submitted = Vec::new();
    let mut acknowledged_after = false;
    let mut refusal = None;
    let mut work = || -> Result<(), Error> {
        let mut manager = open_with(&directory, config.clone(), options())?;
        for n in 1..=3_u64 {
            manager.put(b"one", &n.to_be_bytes())?;
            manager.set_source_offset("input", n)?;
            let truth = Truth { wal_position: n, ..Truth::of(&manager) };
            submitted.push(truth.clone());
            let interrupted = locked(&other).is_some();
            block_on(manager.create_checkpoint(n))?;
            // Begun and acknowledged after the other one's checkpoint: nobody may be told so.
            acknowledged_after |= interrupted && takeover > 0;
            acknowledged = truth;
        }
        Ok(())
    };
    if let Err(error) = work() {
        refusal = Some(error);
    }
    let other = locked(&other).take();
    let Some(other) = other else {
        // The writer came to its end before this call: nobody took over.
        return refusal.map_or(Ok(()), |error| Err(format!("alone, and refused: {error}")));
    };
    *happened = true;
    let (opened, promised) = other.map_err(|error| format!("the one who took over: {error}"))?;
    match refusal {
        None | Some(Error::Fenced(_) | Error::AlreadyExists(_)) => {}
        // It builds on files that the other one has tidied up: told, and harmless.
        Some(Error::NotFound(_) | Error::Corruption(_) | Error::Poisoned(_)) if takeover > 0 => {}
        Some(error) => return Err(format!("the loser was told {error:?}")),
    }
    if acknowledged_after {
        return Err("a checkpoint begun after the takeover was acknowledged".into());
    }
    undamaged(&*storage, "after both")?;
    let found = Truth::of(&open_with(&storage, config, options()).map_err(told)?);
    // With a checkpoint of the other one, only that may come back; without, whatever was
    // acknowledged or submitted since it opened.
    let fine = if takeover > 0 {
        found == promised
    } else {
        found == acknowledged || submitted.contains(&found) || found == opened
    };
    if fine { Ok(()) } else { Err(format!("came back with {found:?}; {promised:?} was promised")) }
}
