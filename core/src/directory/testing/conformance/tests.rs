use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Mutex;

use crate::directory::block_on::block_on;
use crate::directory::contract::{Directory, Entry, NewFile};
use crate::directory::error::{DirectoryError, DirectoryErrorKind as Kind, Operation};
use crate::directory::memory::MemoryDirectory;
use crate::directory::testing::conformance::{CHECKS, Handles, Report, SHARED_CHECKS, run};

/// Returns a function that opens storages by name. The same name opens the same storage.
fn storages() -> impl AsyncFn(&str) -> &'static MemoryDirectory {
    let storages = Mutex::new(BTreeMap::<String, &'static MemoryDirectory>::new());
    async move |storage: &str| {
        let new = || &*Box::leak(Box::new(MemoryDirectory::new()));
        *storages.lock().unwrap().entry(storage.to_owned()).or_insert_with(new)
    }
}

#[test]
fn memory_passes_all_checks() {
    let report = block_on(run(Handles::Many, storages()));
    assert_eq!(report.assert(), CHECKS.len() + SHARED_CHECKS.len());
    let report = block_on(run(Handles::One, storages()));
    assert_eq!(report.assert(), CHECKS.len());
}

/// A directory in memory with one fault.
struct Wrong<'a>(&'a MemoryDirectory, Fault);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    ListBackwards,
    ListNothing,
    ReadShort,
    RangeCut,
    Replace,
    CreateFirstOnly,
    AcceptAnyName,
    DeleteMissingFails,
    DeletePrefix,
    DeleteNothing,
    LoseNames,
}

impl Directory for Wrong<'_> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let mut listed = self.0.list().await?;
        match self.1 {
            Fault::ListBackwards => listed.reverse(),
            Fault::ListNothing => listed.clear(),
            _ => {}
        }
        Ok(listed)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        let mut content = self.0.read(path).await?;
        if self.1 == Fault::ReadShort {
            content.truncate(1 << 20);
        }
        Ok(content)
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        match self.0.read_range(path, offset, length).await {
            Err(error) if self.1 == Fault::RangeCut && error.kind() == Kind::OutOfRange => Ok(Vec::new()),
            result => result,
        }
    }

    async fn create(&self, mut batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let paths = batch.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        match self.1 {
            Fault::Replace => self.0.delete(&paths).await?,
            Fault::CreateFirstOnly => batch.truncate(1),
            Fault::AcceptAnyName => batch.iter_mut().for_each(|file| {
                file.path = file.path.to_lowercase();
            }),
            Fault::LoseNames => {
                return self.0.create(batch).await.map_err(|e| DirectoryError::new(e.kind(), e.operation(), ""));
            }
            _ => {}
        }
        self.0.create(batch).await
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let listed = self.0.list().await?;
        let missing = paths.iter().find(|path| !listed.iter().any(|entry| entry.path == **path));
        match (self.1, missing) {
            (Fault::DeleteMissingFails, Some(path)) => {
                Err(DirectoryError::new(Kind::NotFound, Operation::Delete, path))
            }
            (Fault::DeletePrefix, _) => {
                let gone = |entry: &Entry| paths.iter().any(|path| entry.path.starts_with(path.as_str()));
                let gone: Vec<String> = listed.into_iter().filter(gone).map(|entry| entry.path).collect();
                self.0.delete(&gone).await
            }
            (Fault::DeleteNothing, _) => ready(Ok(())).await,
            _ => self.0.delete(paths).await,
        }
    }
}

/// The suite is worth something only if it finds faults.
#[test]
fn each_fault_fails_a_check_that_names_it() {
    let failed = |fault| {
        let storages = storages();
        let open = async |storage: &str| Wrong(storages(storage).await, fault);
        block_on(run(Handles::Many, open)).failed
    };
    assert_eq!(failed(Fault::None), []);
    for (fault, check) in [
        (Fault::ListBackwards, "a_listing_is_in_order_of_path"),
        (Fault::ListNothing, "a_file_may_be_empty"),
        (Fault::ReadShort, "a_file_may_have_five_mib"),
        (Fault::RangeCut, "ranges_past_the_end_are_out_of_range"),
        (Fault::Replace, "a_taken_name_fails_the_batch"),
        (Fault::CreateFirstOnly, "a_batch_spans_directories_in_any_order"),
        (Fault::AcceptAnyName, "names_outside_the_contract_are_refused"),
        (Fault::DeleteMissingFails, "deleting_twice_is_no_error"),
        (Fault::DeletePrefix, "deleting_leaves_the_other_files"),
        (Fault::DeleteNothing, "a_deleted_name_is_free_again"),
        (Fault::LoseNames, "names_outside_the_contract_are_refused"),
    ] {
        let failed = failed(fault);
        assert!(failed.iter().any(|(name, _)| *name == check), "{fault:?} passed {check}; it failed {failed:?}");
    }
}

#[test]
#[should_panic(expected = "only 0 of")]
fn a_report_without_checks_is_a_failure() {
    Report { passed: Vec::new(), failed: Vec::new() }.assert();
}

#[test]
#[should_panic(expected = "1 of 1 checks failed:\na_file_may_be_empty: it is not")]
fn a_failed_check_is_named() {
    Report { passed: Vec::new(), failed: vec![("a_file_may_be_empty", "it is not".into())] }.assert();
}
