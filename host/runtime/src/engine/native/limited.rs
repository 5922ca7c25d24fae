//! A directory that is held to the limits of its plugin.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alluvium_core::directory::{Directory, DirectoryError, DirectoryErrorKind, Entry, NewFile, Operation, Wanted};

use crate::disk::{DiskBudget, DiskUse};
use crate::limits::{Limit, Limits};

/// The path of a file that does not fit, and what refuses it.
type Refused<'b> = (&'b str, Option<(Limit, String)>);

/// A directory, and what may still be written to it. A batch that would be past a limit never reaches it: its
/// caller is told what a full disk tells, and the host knows better.
pub(super) struct Limited<D> {
    directory: Arc<D>,
    limits: Mutex<Option<Limits>>,
    /// What the files come to at most: what was listed once, and all that was created since. Deletions are left out.
    used_at_most: Mutex<Option<DiskUse>>,
    refused: Mutex<Option<(Limit, String)>>,
}

impl<D> Limited<D> {
    /// Without limits: while a directory is opened, when its plugin has not run yet.
    pub(super) fn new(directory: Arc<D>) -> Self {
        Self { directory, limits: Mutex::new(None), used_at_most: Mutex::new(None), refused: Mutex::new(None) }
    }

    /// Holds what is written from now on to these limits.
    pub(super) fn hold_to(&self, limits: &Limits) {
        *lock(&self.limits) = Some(*limits);
    }

    /// Returns what was refused since this was last asked.
    pub(super) fn take_refusal(&self) -> Option<(Limit, String)> {
        lock(&self.refused).take()
    }
}

impl<D: Directory> Limited<D> {
    /// Counts what is there now.
    pub(super) async fn used(&self) -> Result<DiskUse, DirectoryError> {
        let files = self.directory.list().await?;
        Ok(DiskUse { bytes: files.iter().map(|file| file.bytes).sum(), files: files.len() as u64 })
    }

    /// Checks that a batch fits beside what is there. A listing may be slow, so it is taken only if what was counted
    /// leaves no room.
    async fn check(&self, batch: &[NewFile]) -> Result<(), DirectoryError> {
        let Some(limits) = *lock(&self.limits) else { return Ok(()) };
        if limits.disk_bytes == u64::MAX && limits.disk_files == u64::MAX {
            return Ok(());
        }
        if self.take(&limits, batch).is_ok() {
            return Ok(());
        }
        let used = self.used().await?;
        *lock(&self.used_at_most) = Some(used);
        self.take(&limits, batch).map_err(|(path, refused)| {
            *lock(&self.refused) = refused;
            let error = DirectoryError::new(DirectoryErrorKind::NoSpace, Operation::Create, path);
            error.because("the directory may not grow further")
        })
    }

    /// Counts a batch as created if it fits. Otherwise returns the first file that does not, and what refuses it.
    fn take<'b>(&self, limits: &Limits, batch: &'b [NewFile]) -> Result<(), Refused<'b>> {
        let mut used = lock(&self.used_at_most);
        let Some(most) = &mut *used else { return Err(("", None)) };
        let mut budget = DiskBudget::beside(*most, limits);
        for file in batch {
            if !(budget.has_file() && budget.take_bytes(file.content.len() as u64)) {
                return Err((&file.path, budget.take_refusal()));
            }
            budget.take_file();
        }
        most.bytes += batch.iter().map(|file| file.content.len() as u64).sum::<u64>();
        most.files += batch.len() as u64;
        Ok(())
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Directory> Directory for Limited<D> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.directory.list().await
    }

    async fn list_only(&self, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        self.directory.list_only(wanted).await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.directory.read(path).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.directory.read_range(path, offset, length).await
    }

    async fn read_at_most(&self, path: &str, bytes: u64) -> Result<Option<Vec<u8>>, DirectoryError> {
        self.directory.read_at_most(path, bytes).await
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.check(&batch).await?;
        self.directory.create(batch).await
    }

    async fn create_and_list(&self, batch: Vec<NewFile>) -> Result<Vec<Entry>, DirectoryError> {
        self.check(&batch).await?;
        self.directory.create_and_list(batch).await
    }

    async fn create_and_list_only(&self, batch: Vec<NewFile>, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        self.check(&batch).await?;
        self.directory.create_and_list_only(batch, wanted).await
    }

    async fn create_unordered_and_list_only(
        &self,
        batch: Vec<NewFile>,
        wanted: Wanted,
    ) -> Result<Vec<Entry>, DirectoryError> {
        self.check(&batch).await?;
        self.directory.create_unordered_and_list_only(batch, wanted).await
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.directory.delete(paths).await
    }
}

#[cfg(test)]
mod tests {
    use alluvium_core::directory::{MemoryDirectory, block_on};

    use super::*;

    fn batch(sizes: &[usize]) -> Vec<NewFile> {
        let file =
            |(number, &size): (usize, &usize)| NewFile { path: format!("{size}-{number}"), content: vec![0; size] };
        sizes.iter().enumerate().map(file).collect()
    }

    #[test]
    fn a_batch_that_does_not_fit_leaves_nothing_and_says_which_limit() {
        let directory = Limited::new(Arc::new(MemoryDirectory::new()));
        block_on(directory.create(batch(&[100, 11]))).expect("no limits yet");
        directory.hold_to(&Limits { disk_bytes: 120, disk_files: 4, ..Limits::default() });
        for (sizes, limit) in [(&[4, 6][..], Limit::DiskBytes), (&[1, 2, 3], Limit::DiskFiles)] {
            let error = block_on(directory.create_and_list(batch(sizes))).expect_err("it does not fit");
            assert_eq!(error.kind(), DirectoryErrorKind::NoSpace);
            assert_eq!(directory.take_refusal().map(|(limit, _)| limit), Some(limit));
            assert_eq!(block_on(directory.used()).expect("it lists"), DiskUse { bytes: 111, files: 2 });
        }
        block_on(directory.create(batch(&[4, 5]))).expect("to the byte");
        assert!(directory.take_refusal().is_none());
    }

    /// A listing costs a request on an object store.
    #[test]
    fn listings_are_taken_only_when_there_may_be_no_room() {
        let counting = Arc::new(Counting::default());
        let directory = Limited::new(counting.clone());
        directory.hold_to(&Limits { disk_bytes: 100, disk_files: 100, ..Limits::default() });
        for size in 1..=10 {
            block_on(directory.create(batch(&[size]))).expect("it fits");
        }
        assert_eq!(counting.listed(), 1, "55 bytes are known from the first");
        block_on(directory.delete(&["10-0".to_owned(), "9-0".to_owned()])).expect("it deletes");
        block_on(directory.create(batch(&[60]))).expect("a listing finds the room");
        assert_eq!(counting.listed(), 2);
        let refused = block_on(directory.create(batch(&[5]))).expect_err("96 bytes are there");
        assert_eq!((refused.kind(), refused.name()), (DirectoryErrorKind::NoSpace, "5-0"));
    }

    #[derive(Default)]
    struct Counting(MemoryDirectory, std::sync::atomic::AtomicU64);

    impl Counting {
        fn listed(&self) -> u64 {
            self.1.load(std::sync::atomic::Ordering::Relaxed)
        }
    }

    impl Directory for Counting {
        async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.0.list().await
        }
        async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
            self.0.read(path).await
        }
        async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
            self.0.read_range(path, offset, length).await
        }
        async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
            self.0.create(batch).await
        }
        async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
            self.0.delete(paths).await
        }
    }
}
