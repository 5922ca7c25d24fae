//! Listings beside a writer. A listing is not of one moment: it may show some names as they were before a step of the
//! writer, and others as they are after it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::{inspect, verify};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions, archive, gc};

use crate::support::{Writer, contents};

/// A directory whose first listings do not show the names that begin so: a listing is not of one moment, so it can
/// miss both the checkpoint that goes and the one that comes, or show a new checkpoint without its segments.
struct Torn {
    directory: MemoryDirectory,
    hides: &'static str,
    /// How many listings are still torn.
    left: AtomicU64,
}

impl Directory for Torn {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let mut entries = self.directory.list().await?;
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
            entries.retain(|entry| !entry.path.starts_with(self.hides));
        }
        Ok(entries)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.directory.read(path).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.directory.read_range(path, offset, length).await
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.directory.create(batch).await
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.directory.delete(paths).await
    }
}

#[test]
fn what_a_listing_misses_is_not_lost() {
    let directory = Arc::new(MemoryDirectory::new());
    drop(Writer::new(&directory, 1, false));
    for (hides, left) in ["checkpoint_", "segments/"].into_iter().flat_map(|hides| [1, 2, 3].map(|left| (hides, left)))
    {
        let files = || MemoryDirectory::from_files(directory.to_files());
        let torn = || Torn { directory: files(), hides, left: AtomicU64::new(left) };
        assert!(block_on(recover(&torn(), &RecoverOptions::new())).unwrap().is_some());
        assert!(!block_on(verify::verify(&torn())).unwrap().is_damaged());
        assert!(block_on(gc::plan(&torn(), None)).is_ok());
        assert!(block_on(inspect::check_not_lost(&torn())).is_ok());
        assert_eq!(block_on(archive::export(&torn(), None)), block_on(archive::export(&*directory, None)), "{hides}");
        let options = OpenOptions::new(Arc::new(ManualClock::new(1_000)));
        let manager = IncrementalCheckpointManager::open(Arc::new(torn()), CheckpointConfig::new(), options);
        assert_eq!(block_on(manager).unwrap().latest_checkpoint_id(), Some(3));
    }
    // Without any file beside the checkpoint's metadata, nothing else says that there is one.
    let mut files = directory.to_files();
    files.retain(|path, _| path.starts_with("checkpoint_"));
    let directory = MemoryDirectory::from_files(files);
    let torn = Torn { directory, hides: "checkpoint_", left: AtomicU64::new(2) };
    assert!(block_on(inspect::list_checkpoints(&torn)).unwrap().iter().any(|summary| summary.id == 3));
}

/// A directory in one of whose listings the writer takes a step between the checkpoints and the WAL files.
struct Between<'w> {
    directory: Arc<MemoryDirectory>,
    writer: &'w RefCell<Writer>,
    listings: Cell<u64>,
    torn: u64,
}

impl Directory for Between<'_> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let mut entries = self.directory.list().await?;
        if self.listings.replace(self.listings.get() + 1) == self.torn {
            self.writer.borrow_mut().step();
            entries.retain(|entry| !entry.path.starts_with("wal/"));
            let now = self.directory.list().await?;
            entries.extend(now.into_iter().filter(|entry| entry.path.starts_with("wal/")));
        }
        Ok(entries)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.directory.read(path).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.directory.read_range(path, offset, length).await
    }

    async fn create(&self, _: Vec<NewFile>) -> Result<(), DirectoryError> {
        unreachable!("a reader creates nothing")
    }

    async fn delete(&self, _: &[String]) -> Result<(), DirectoryError> {
        unreachable!("a reader deletes nothing")
    }
}

#[test]
fn a_checkpoint_is_not_recovered_without_the_wal_that_followed_it() {
    for retained in [1, 3] {
        for torn in 0.. {
            let directory = Arc::new(MemoryDirectory::new());
            let writer = RefCell::new(Writer::new(&directory, retained, false));
            let acknowledged = writer.borrow().states.len();
            let between = Between { directory, writer: &writer, listings: Cell::new(0), torn };
            let recovered = block_on(recover(&between, &RecoverOptions::new())).unwrap().unwrap();
            let found = (recovered.metadata.id, contents(recovered.state.iter()));
            let at_least = &writer.borrow().states[acknowledged - 1..];
            assert!(at_least.contains(&found), "{retained} retained, listing {torn}: checkpoint {}", found.0);
            if between.listings.get() <= torn {
                break;
            }
        }
    }
}
