//! The asynchronous manager: the blocking one, with its waiting done elsewhere.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use alluvium_core::directory::block_on;
use alluvium_core::{Columns, MaintenanceReport};
use futures_channel::oneshot::Receiver;

use super::worker::Worker;
use crate::config::{CheckpointConfig, OpenOptions};
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::WrittenCheckpoint;
use crate::metadata::IncrementalCheckpointMetadata;

type Blocking = crate::IncrementalCheckpointManager;

/// The manager for asynchronous programs.
///
/// Mutations are immediate, as in the blocking manager. What reads without waiting (`get`, `iter`,
/// `source_offsets`, …) is reached through [`Deref`].
///
/// ```
/// use alluvium::CheckpointConfig;
/// use alluvium::asynchronous::IncrementalCheckpointManager;
///
/// # futures_lite::future::block_on(async {
/// let scratch = tempfile::tempdir()?;
/// let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path())).await?;
/// manager.put(b"key", b"value")?;
/// let checkpoint = manager.create_checkpoint(0).await?;
/// assert_eq!((checkpoint.id, manager.get(b"key")), (1, Some(&b"value"[..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Dropped futures
///
/// A `create_checkpoint` whose future is dropped, by a timeout for example, is still written. The next
/// call takes note of it first. Dropping the future of any other call waits until the call has ended.
#[derive(Debug)]
pub struct IncrementalCheckpointManager {
    /// Only while a call has it on the worker's thread, there is none.
    manager: Option<Box<Blocking>>,
    /// What the worker does for checkpoints, in order.
    in_flight: VecDeque<Receiver<Done>>,
    worker: Worker,
}

/// What the worker did for a checkpoint.
enum Done {
    Written(Box<Result<WrittenCheckpoint, Error>>),
    Maintained(MaintenanceReport),
}

impl IncrementalCheckpointManager {
    /// Opens the checkpoint directory and recovers its newest checkpoint, on the worker's thread.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// use alluvium::asynchronous::IncrementalCheckpointManager;
    ///
    /// let config = alluvium::CheckpointConfig::new(scratch.path());
    /// assert!(IncrementalCheckpointManager::new(config).await?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn new(config: CheckpointConfig) -> Result<Self, Error> {
        Self::open(config, OpenOptions::new().create(true)).await
    }

    /// Opens the checkpoint directory as `options` say.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use alluvium::asynchronous::IncrementalCheckpointManager;
    ///
    /// let mistyped = alluvium::CheckpointConfig::new("/no/such/directory".as_ref());
    /// let options = alluvium::OpenOptions::new().create(false);
    /// assert!(IncrementalCheckpointManager::open(mistyped, options).await.is_err());
    /// # });
    /// ```
    pub async fn open(config: CheckpointConfig, options: OpenOptions) -> Result<Self, Error> {
        let worker = Worker::start()?;
        let opened = worker.give(move || Blocking::open(config, options));
        let manager = opened.await.unwrap_or_else(|_| panicked())?;
        Ok(Self { manager: Some(Box::new(manager)), in_flight: VecDeque::new(), worker })
    }

    fn manager(&mut self) -> &mut Blocking {
        self.manager.as_mut().unwrap_or_else(|| panicked())
    }

    /// Sets the value of a key.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.put(b"key", b"value")?;
    /// assert_eq!(manager.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.manager().put(key, value)
    }

    /// Removes a key.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.put(b"key", b"value")?;
    /// manager.delete(b"key")?;
    /// assert!(manager.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn delete(&mut self, key: &[u8]) -> Result<(), Error> {
        self.manager().delete(key)
    }

    /// Applies a batch, all of it or nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// let batch = alluvium::Columns { ops: &[0], key_lens: &[1], value_lens: &[1], keys: b"k", values: b"v" };
    /// assert_eq!(manager.apply(&batch)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn apply(&mut self, batch: &Columns<'_>) -> Result<u64, Error> {
        self.manager().apply(batch)
    }

    /// Sets the epoch. An earlier one is refused.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.set_epoch(42)?;
    /// assert_eq!(manager.epoch(), 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn set_epoch(&mut self, epoch: u64) -> Result<(), Error> {
        self.manager().set_epoch(epoch)
    }

    /// Sets how far a source was consumed. A smaller offset is refused.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.set_source_offset("orders".into(), 7)?;
    /// assert_eq!(manager.source_offsets()["orders"], 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn set_source_offset(&mut self, source: String, offset: u64) -> Result<(), Error> {
        self.manager().set_source_offset(source, offset)
    }

    /// Sets the watermark, in milliseconds of Unix time. An earlier one changes nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.set_watermark(2_000);
    /// assert_eq!(manager.watermark(), Some(2_000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn set_watermark(&mut self, watermark: i64) {
        self.manager().set_watermark(watermark);
    }

    /// Takes a checkpoint. When it resolves, the checkpoint is durable; its maintenance follows on the
    /// worker's thread.
    ///
    /// The executor's thread works for microseconds, to freeze what changed. Encoding and writing
    /// happen on the worker's thread.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.put(b"key", b"value")?;
    /// assert_eq!(manager.create_checkpoint(0).await?.key_count, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn create_checkpoint(&mut self, wal_position: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        self.settle().await?;
        let prepared = self.manager().prepare_checkpoint(wal_position)?;
        self.in_flight.push_back(self.worker.give(move || Done::Written(Box::new(prepared.write()))));
        loop {
            if let Some(metadata) = self.next().await? {
                return Ok(metadata);
            }
        }
    }

    /// Takes a checkpoint that also holds an opaque state of the caller's own; see
    /// [the blocking form](crate::IncrementalCheckpointManager::create_checkpoint_with_state).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// let created = manager.create_checkpoint_with_state(0, [].into(), None, b"mine".to_vec()).await?;
    /// assert_eq!(manager.load_checkpoint_state(created.id).await?, b"mine");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn create_checkpoint_with_state(
        &mut self,
        wal_position: u64,
        source_offsets: HashMap<String, u64>,
        watermark: Option<i64>,
        state: Vec<u8>,
    ) -> Result<IncrementalCheckpointMetadata, Error> {
        let work = move |manager: &mut Blocking| {
            manager.create_checkpoint_with_state(wal_position, source_offsets, watermark, &state)
        };
        self.on_worker(work).await
    }

    /// Makes everything so far durable with one small file instead of a checkpoint.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.create_checkpoint(0).await?;
    /// manager.put(b"key", b"value")?;
    /// manager.sync(0).await?;
    /// assert!(manager.wal_size() > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn sync(&mut self, wal_position: u64) -> Result<(), Error> {
        self.on_worker(move |manager| manager.sync(wal_position)).await
    }

    /// Makes a kept checkpoint the newest. Changes that no checkpoint has are lost.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// let old = manager.create_checkpoint(0).await?;
    /// manager.put(b"key", b"value")?;
    /// assert_eq!(manager.restore_checkpoint(old.id).await?.id, 2);
    /// assert!(manager.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn restore_checkpoint(&mut self, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        self.on_worker(move |manager| manager.restore_checkpoint(id)).await
    }

    /// Returns the metadata of the newest checkpoint, if there is one.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// assert_eq!(manager.find_latest_checkpoint().await?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn find_latest_checkpoint(&mut self) -> Result<Option<IncrementalCheckpointMetadata>, Error> {
        self.on_worker(|manager| manager.find_latest_checkpoint()).await
    }

    /// Returns the metadata of one checkpoint; `None` when it does not exist.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// assert_eq!(manager.load_checkpoint_metadata(1).await?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn load_checkpoint_metadata(&mut self, id: u64) -> Result<Option<IncrementalCheckpointMetadata>, Error> {
        self.on_worker(move |manager| manager.load_checkpoint_metadata(id)).await
    }

    /// Returns the opaque state of one checkpoint.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// assert!(manager.load_checkpoint_state(1).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn load_checkpoint_state(&mut self, id: u64) -> Result<Vec<u8>, Error> {
        self.on_worker(move |manager| manager.load_checkpoint_state(id)).await
    }

    /// Returns the metadata of every checkpoint, newest first.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.create_checkpoint(0).await?;
    /// assert_eq!(manager.list_checkpoints().await?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn list_checkpoints(&mut self) -> Result<Vec<IncrementalCheckpointMetadata>, Error> {
        self.on_worker(|manager| manager.list_checkpoints()).await
    }

    /// Deletes all but the newest `max_retained` checkpoints.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// manager.cleanup_old_checkpoints().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn cleanup_old_checkpoints(&mut self) -> Result<(), Error> {
        self.on_worker(Blocking::cleanup_old_checkpoints).await
    }

    /// Deletes all but the newest `keep_count` checkpoints. Keeping 0 is refused.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// assert!(manager.cleanup_old_checkpoints_keep(0).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn cleanup_old_checkpoints_keep(&mut self, keep_count: usize) -> Result<(), Error> {
        self.on_worker(move |manager| manager.cleanup_old_checkpoints_keep(keep_count)).await
    }

    /// Deletes one checkpoint. Its id is never given again.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// let created = manager.create_checkpoint(0).await?;
    /// manager.delete_checkpoint(created.id).await?;
    /// assert_eq!(manager.list_checkpoints().await?, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn delete_checkpoint(&mut self, id: u64) -> Result<(), Error> {
        self.on_worker(move |manager| manager.delete_checkpoint(id)).await
    }

    /// Keeps a checkpoint until it is released. The next checkpoint makes it durable.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// let created = manager.create_checkpoint(0).await?;
    /// manager.keep(created.id).await?;
    /// assert!(manager.delete_checkpoint(created.id).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn keep(&mut self, id: u64) -> Result<(), Error> {
        self.on_worker(move |manager| manager.keep(id)).await
    }

    /// Leaves a checkpoint that was kept to retention again. The next checkpoint makes it durable.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # let scratch = tempfile::tempdir()?;
    /// # let config = alluvium::CheckpointConfig::new(scratch.path());
    /// # let mut manager = alluvium::asynchronous::IncrementalCheckpointManager::new(config).await?;
    /// let created = manager.create_checkpoint(0).await?;
    /// manager.keep(created.id).await?;
    /// manager.release(created.id).await?;
    /// assert!(manager.kept_checkpoints().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn release(&mut self, id: u64) -> Result<(), Error> {
        self.on_worker(move |manager| manager.release(id)).await
    }

    /// Takes note of everything that earlier calls began and did not wait for.
    async fn settle(&mut self) -> Result<(), Error> {
        while !self.in_flight.is_empty() {
            self.next().await?;
        }
        Ok(())
    }

    /// Waits for the oldest thing in flight. A written checkpoint leaves its maintenance behind it.
    async fn next(&mut self) -> Result<Option<IncrementalCheckpointMetadata>, Error> {
        let Some(oldest) = self.in_flight.front_mut() else { return Ok(None) };
        // Until this is ready it stays in the queue, so that a dropped future loses nothing.
        let done = oldest.await.unwrap_or_else(|_| panicked());
        self.in_flight.pop_front();
        match done {
            Done::Written(written) => {
                let finished = self.manager().finish_checkpoint((*written)?)?;
                let metadata = finished.metadata().clone();
                self.in_flight.push_back(self.worker.give(move || Done::Maintained(finished.run_maintenance())));
                Ok(Some(metadata))
            }
            Done::Maintained(report) => {
                self.manager().set_last_maintenance(report);
                Ok(None)
            }
        }
    }

    /// Lends the manager to the worker's thread for one call.
    async fn on_worker<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Blocking) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.settle().await?;
        let mut manager = self.manager.take().unwrap_or_else(|| panicked());
        let lent = self.worker.give(move || {
            let result = work(&mut manager);
            (manager, result)
        });
        Lent { home: &mut self.manager, lent }.await
    }
}

impl Deref for IncrementalCheckpointManager {
    type Target = Blocking;

    fn deref(&self) -> &Blocking {
        self.manager.as_ref().unwrap_or_else(|| panicked())
    }
}

/// The panic hook has reported the first panic; without the manager there is nothing to go on with.
fn panicked() -> ! {
    panic!("an earlier call of this manager panicked")
}

/// A manager that the worker's thread has. It comes home even when the future is dropped.
struct Lent<'a, T> {
    home: &'a mut Option<Box<Blocking>>,
    lent: Receiver<(Box<Blocking>, T)>,
}

impl<T> Future for Lent<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.lent).poll(context).map(|returned| {
            let (manager, result) = returned.unwrap_or_else(|_| panicked());
            *self.home = Some(manager);
            result
        })
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        if self.home.is_none()
            && let Ok((manager, _)) = block_on(&mut self.lent)
        {
            *self.home = Some(manager);
        }
    }
}
