//! Tests the contract over a directory of the runner's. The tests run inside a component, which imports that directory.

use alluvium_core::directory::testing::conformance::{self, Handles};
use alluvium_core::directory::{Directory, DirectoryErrorKind as Kind, EntryKind, NewFile, block_on};

use super::{DELETED_AT_ONCE, ImportedDirectory, READ_BYTES};

fn open(storage: &str) -> ImportedDirectory {
    ImportedDirectory::named(Some(storage)).expect("the runner opens any name")
}

fn file(path: &str, content: &[u8]) -> NewFile {
    NewFile { path: path.into(), content: content.to_vec() }
}

#[test]
fn the_suite_passes() {
    let count = block_on(conformance::run(Handles::Many, async |storage: &str| open(storage))).assert();
    assert_eq!(count, conformance::CHECKS.len() + conformance::SHARED_CHECKS.len());
}

#[test]
fn what_exceeds_one_call_is_read_and_deleted_in_several() {
    let directory = open("several");
    let large: Vec<u8> = (0..READ_BYTES + 5).map(|at| (at % 251) as u8).collect();
    block_on(directory.create(vec![file("large", &large)])).expect("it creates");
    assert!(block_on(directory.read("large")).expect("it reads") == large);
    let range = block_on(directory.read_range("large", 3, READ_BYTES + 2)).expect("it reads");
    assert!(range == large[3..]);
    // A page of the listing has at most 4,096 entries.
    let paths: Vec<String> = (0..5_000).map(|at| format!("many/{at:04}")).collect();
    block_on(directory.create(paths.iter().map(|path| file(path, b"x")).collect())).expect("it creates");
    let listed = block_on(directory.list()).expect("it lists");
    assert!(listed.iter().map(|entry| &entry.path).eq(std::iter::once(&"large".to_owned()).chain(&paths)));
    assert!(paths.len() > DELETED_AT_ONCE);
    block_on(directory.delete(&paths)).expect("it deletes");
    let listed = block_on(directory.list()).expect("it lists");
    assert_eq!(listed.iter().map(|entry| (&*entry.path, entry.kind)).collect::<Vec<_>>(), [("large", EntryKind::File)]);
}

#[test]
fn the_other_side_says_what_it_does_not_have() {
    let error = ImportedDirectory::named(Some("missing")).expect_err("the runner has no such directory");
    assert_eq!((error.kind(), error.name()), (Kind::NotFound, "missing"));
    assert_eq!(ImportedDirectory::named(None).expect("the default opens").weaker_promises(), ["it is in memory"]);
}
