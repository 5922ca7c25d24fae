//! The probe: which stores it accepts, and which it refuses.

use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryErrorKind, EntryKind, block_on};
use alluvium_object::object_store::memory::InMemory;
use alluvium_object::{ObjectDirectory, ObjectOptions};
use alluvium_test_servers::object::ObjectStore;

use crate::support::open;
use alluvium_test_servers::watched::{Fault, Watched};

/// The probe accepts the store, and leaves nothing behind.
fn is_accepted(directory: &ObjectDirectory) {
    block_on(directory.probe()).unwrap();
    assert_eq!(block_on(directory.list()).unwrap(), []);
}

#[test]
fn memory_local_files_and_moto_are_accepted() {
    is_accepted(&ObjectDirectory::over(Arc::new(InMemory::new()), "a", ObjectOptions::default()).unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let url = format!("file://{}", scratch.path().display());
    is_accepted(&ObjectDirectory::from_url(&url, ObjectOptions::default()).unwrap());
    if let Some(server) = ObjectStore::moto() {
        is_accepted(&open(&server, "probed"));
    }
}

/// Returns what the probe says about a store that it refuses.
fn refusal(directory: &ObjectDirectory) -> String {
    let refused = block_on(directory.probe()).unwrap_err();
    assert_eq!(refused.kind(), DirectoryErrorKind::Unsupported, "{refused}");
    assert_eq!(block_on(directory.list()).unwrap(), [], "it leaves nothing behind");
    refused.to_string()
}

#[test]
fn a_store_that_ignores_the_condition_is_refused() {
    let server = ObjectStore::s3rver();
    let refused = refusal(&open(&server, "probed"));
    assert!(refused.starts_with("open s3://checkpoints/probed: not supported by this storage"), "{refused}");
    assert!(refused.contains("a second creation of the same name succeeded"), "{refused}");
}

#[test]
fn each_fault_of_a_store_is_found() {
    let check = |fault, expected: &str| {
        let store = Arc::new(Watched::with(fault));
        let directory = ObjectDirectory::over(store, "probed", ObjectOptions::default()).unwrap();
        let refused = block_on(directory.probe()).unwrap_err();
        assert_eq!(refused.kind(), DirectoryErrorKind::Unsupported, "{refused}");
        assert!(refused.to_string().contains(expected), "{fault:?}: {refused}");
    };
    check(Fault::Overwrites, "a second creation of the same name succeeded");
    check(Fault::ChecksFirst, "of 16 creators of one name at the same time, 16 succeeded");
    check(Fault::ListsNothing, "is not listed");
    check(Fault::DeletesNothing, "is still listed after it was deleted");
}

#[test]
fn what_an_interrupted_probe_left_is_temporary() {
    let store = Arc::new(Watched::with(Fault::DeletesNothing));
    let directory = ObjectDirectory::over(store, "probed", ObjectOptions::default()).unwrap();
    block_on(directory.probe()).unwrap_err();
    let left = block_on(directory.list()).unwrap();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|entry| entry.kind == EntryKind::Temporary), "{left:?}");
}
