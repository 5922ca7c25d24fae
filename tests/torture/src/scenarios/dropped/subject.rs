//! A manager that works like any other, but for one future that is dropped.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use alluvium_core::directory::{SimulatedDirectory, block_on};
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, Reaction, archive,
};
use alluvium_test_harness::faulty::FaultyDirectory;
use alluvium_test_harness::faulty::yielding::GiveWay;
use alluvium_test_harness::oracle::Subject;
use alluvium_test_harness::{Expected, keep, open_with, options};

type Slow = FaultyDirectory<SimulatedDirectory>;
type Manager = IncrementalCheckpointManager<Slow>;

/// Why an operation did not come to its end.
#[derive(Debug)]
pub(super) enum Told {
    /// Its future was dropped.
    Dropped,
    /// It refused.
    Refused(Error),
    /// It was dropped, and left something behind that it must not.
    Wrong(String),
}

/// Awaits that were met, and the one at which the future is dropped.
#[derive(Debug)]
struct Awaits {
    met: u64,
    drop_at: Option<u64>,
}

impl Awaits {
    fn drive<T>(&mut self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Told> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
                return done.map_err(Told::Refused);
            }
            let at = self.met;
            self.met += 1;
            if self.drop_at == Some(at) {
                return Err(Told::Dropped);
            }
        }
    }
}

/// See the module.
pub(super) struct Cancelling {
    directory: Arc<Slow>,
    config: CheckpointConfig,
    manager: Option<Manager>,
    awaits: Awaits,
    dropped: bool,
    may_refuse: bool,
}

impl Cancelling {
    pub(super) fn new(directory: Arc<Slow>, retained: usize, drop_at: Option<u64>) -> Self {
        let awaits = Awaits { met: 0, drop_at };
        Self { directory, config: keep(retained), manager: None, awaits, dropped: false, may_refuse: false }
    }

    /// How many awaits there were.
    pub(super) fn awaits(&self) -> u64 {
        self.awaits.met
    }

    /// Whether a future was dropped since this was asked.
    pub(super) fn take_dropped(&mut self) -> bool {
        std::mem::take(&mut self.dropped)
    }

    /// Whether a commit was begun by a future that was dropped since this was asked: its outcome is unknown.
    pub(super) fn take_may_refuse(&mut self) -> bool {
        std::mem::take(&mut self.may_refuse)
    }

    /// Once one operation has said that the directory must be reopened, every operation does.
    pub(super) fn says_reopen(&mut self) -> Result<(), String> {
        let manager = self.manager.as_mut().ok_or("it is not open")?;
        let (position, newest) = (manager.wal_position(), manager.latest_checkpoint_id().unwrap_or(1));
        let outcomes = [
            ("prepare_checkpoint", manager.prepare_checkpoint(position).map(drop)),
            ("create_checkpoint", block_on(manager.create_checkpoint(position)).map(drop)),
            ("sync", block_on(manager.sync(position))),
            ("restore_checkpoint", block_on(manager.restore_checkpoint(newest)).map(drop)),
            ("delete_checkpoint", block_on(manager.delete_checkpoint(newest)).map(drop)),
            ("cleanup_old_checkpoints", block_on(manager.cleanup_old_checkpoints()).map(drop)),
            ("collect_garbage", block_on(manager.collect_garbage()).map(drop)),
        ];
        for (operation, outcome) in outcomes {
            match outcome {
                Err(error) if error.reaction() == Reaction::Reopen => {}
                other => return Err(format!("another operation said Reopen, and {operation} says {other:?}")),
            }
        }
        Ok(())
    }

    /// Runs an operation of the open manager.
    fn run<T>(&mut self, operation: impl AsyncFnOnce(&mut Manager) -> Result<T, Error>) -> Result<T, Told> {
        let manager = self.manager.as_mut().expect("the session opens before it acts");
        self.directory.take_calls();
        let outcome = self.awaits.drive(operation(manager));
        if matches!(outcome, Err(Told::Dropped)) {
            self.dropped = true;
            self.may_refuse = self.directory.take_calls().began_commit;
        }
        outcome
    }

    /// Runs an operation that makes a checkpoint. If it is dropped when the manager has taken note of it
    /// already, only work behind it is left undone.
    fn make(&mut self, operation: impl AsyncFnOnce(&mut Manager) -> Result<u64, Error>) -> Result<u64, Told> {
        let latest = self.latest()?;
        let outcome = self.run(operation);
        match (outcome, self.latest()?) {
            (Err(Told::Dropped), Some(id)) if latest != Some(id) => {
                self.may_refuse = false;
                Ok(id)
            }
            (outcome, _) => outcome,
        }
    }

    /// Moves the manager to the epoch and the positions of `next`.
    fn advance(&mut self, next: &Expected) -> Result<(), Told> {
        let manager = self.manager.as_mut().expect("the session opens before it acts");
        manager.set_epoch(next.epoch).map_err(Told::Refused)?;
        for (source, offset) in &next.source_offsets {
            manager.set_source_offset(source, *offset).map_err(Told::Refused)?;
        }
        manager.set_watermark(next.watermark.unwrap_or_default());
        Ok(())
    }
}

impl Subject for Cancelling {
    type Error = Told;

    fn open(&mut self) -> Result<(), Told> {
        self.manager = None;
        let opening = Manager::open(self.directory.clone(), self.config.clone(), options());
        let opened = self.awaits.drive(opening);
        self.dropped |= matches!(opened, Err(Told::Dropped));
        self.manager = Some(opened?);
        self.may_refuse = false;
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.manager.is_some()
    }

    fn close(&mut self) {
        self.manager = None;
    }

    fn content(&mut self) -> Expected {
        Expected::of(self.manager.as_ref().expect("the session opens before it acts"))
    }

    fn content_of(&mut self, id: u64) -> Result<Expected, Told> {
        let opened = open_with(&self.directory, self.config.clone(), options().checkpoint(Some(id)));
        opened.map(|opened| Expected::of(&opened)).map_err(Told::Refused)
    }

    fn is_trouble_of_the_directory(&self, _: &Told) -> bool {
        false
    }

    fn latest(&mut self) -> Result<Option<u64>, Told> {
        Ok(self.manager.as_ref().and_then(Manager::latest_checkpoint_id))
    }

    fn listed(&mut self) -> Result<Vec<u64>, Told> {
        let listed = self.run(async |manager| manager.list_checkpoints().await)?;
        Ok(listed.into_iter().map(|metadata| metadata.id).collect())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Told> {
        self.run(async |manager| manager.put(key, value))
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Told> {
        self.run(async |manager| manager.delete(key).map(drop))
    }

    /// Every other one in its steps.
    fn checkpoint(&mut self, next: &Expected) -> Result<u64, Told> {
        self.advance(next)?;
        let position = next.wal_position;
        if next.epoch.is_multiple_of(2) {
            return self.make(async |manager| Ok(manager.create_checkpoint(position).await?.id));
        }
        self.make(async |manager| {
            let prepared = manager.prepare_checkpoint(position)?;
            GiveWay::default().await;
            let written = prepared.write().await?;
            GiveWay::default().await;
            let finished = manager.finish_checkpoint(written)?;
            GiveWay::default().await;
            finished.maintenance.run().await;
            Ok(finished.metadata.id)
        })
    }

    fn checkpoint_with_state(&mut self, next: &Expected, state: &[u8]) -> Result<u64, Told> {
        let manager = self.manager.as_mut().expect("the session opens before it acts");
        manager.set_epoch(next.epoch).map_err(Told::Refused)?;
        let (position, offsets, watermark) = (next.wal_position, next.source_offsets.clone(), next.watermark);
        self.make(async |manager| {
            Ok(manager.create_checkpoint_with_state(position, offsets, watermark, state).await?.id)
        })
    }

    fn sync(&mut self, next: &Expected) -> Result<(), Told> {
        self.advance(next)?;
        self.run(async |manager| manager.sync(next.wal_position).await)
    }

    fn keep_newest(&mut self) -> Result<(), Told> {
        self.run(async |manager| manager.cleanup_old_checkpoints_keep(1).await.map(drop))
    }

    fn delete_checkpoint(&mut self, id: u64) -> Result<(), Told> {
        self.run(async |manager| manager.delete_checkpoint(id).await.map(drop))
    }

    fn restore(&mut self, id: u64) -> Result<u64, Told> {
        let before = self.content();
        let restored = self.make(async |manager| Ok(manager.restore_checkpoint(id).await?.id));
        let after = self.content();
        if matches!(restored, Err(Told::Dropped)) && after != before {
            return Err(Told::Wrong(format!("a restore was dropped, and left {after:?} in place of {before:?}")));
        }
        restored
    }

    fn import(&mut self, bytes: &[u8]) -> Result<u64, Told> {
        let imported = archive::import(bytes, self.directory.clone(), self.config.clone(), options());
        let imported = self.awaits.drive(imported);
        self.dropped |= matches!(imported, Err(Told::Dropped));
        Ok(imported?.id)
    }
}
