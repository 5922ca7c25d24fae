//! Tests the contract, and the mistakes that only a WASI directory can make. The tests run inside a component,
//! on the scratch directory that the runner grants.

use std::collections::BTreeSet;

use alluvium_core::directory::testing::conformance::{self, Handles};
use alluvium_core::directory::{Directory, DirectoryErrorKind as Kind, Entry, EntryKind, NewFile, block_on};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};

use super::{Promises, WasiDirectory};

/// Opens the directory of a test. It is empty at first.
fn handle(test: &str) -> Descriptor {
    let (scratch, _) = get_directories().pop().expect("the runner grants a scratch directory");
    // The directory exists already if a test opens it again.
    let _ = scratch.create_directory_at(test);
    open(&scratch, test)
}

fn open(parent: &Descriptor, name: &str) -> Descriptor {
    let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
    parent.open_at(PathFlags::empty(), name, OpenFlags::DIRECTORY, flags).expect("the directory opens")
}

fn scratch(test: &str) -> (Descriptor, WasiDirectory) {
    (handle(test), WasiDirectory::open(handle(test)).expect("it opens"))
}

fn put(parent: &Descriptor, name: &str, content: &[u8]) {
    let flags = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let file = parent.open_at(PathFlags::empty(), name, flags, DescriptorFlags::WRITE).expect("the file is new");
    assert_eq!(file.write(content, 0).expect("it is written"), content.len() as u64);
}

fn file(path: &str, content: &[u8]) -> NewFile {
    NewFile { path: path.into(), content: content.to_vec() }
}

fn kind<T>(result: Result<T, alluvium_core::directory::DirectoryError>) -> Result<T, Kind> {
    result.map_err(|error| error.kind())
}

fn listed(directory: &WasiDirectory) -> Vec<(String, u64, EntryKind)> {
    let entries = block_on(directory.list()).expect("it lists");
    entries.into_iter().map(|Entry { path, bytes, kind }| (path, bytes, kind)).collect()
}

fn entry(path: &str, bytes: u64, kind: EntryKind) -> (String, u64, EntryKind) {
    (path.to_owned(), bytes, kind)
}

#[test]
fn the_suite_passes() {
    let open = async |storage: &str| WasiDirectory::open(handle(storage)).expect("it opens");
    let count = block_on(conformance::run(Handles::Many, open)).assert();
    assert_eq!(count, conformance::CHECKS.len() + conformance::SHARED_CHECKS.len());
}

/// On a runtime with fewer abilities, everything except durability in a crash still holds.
#[test]
fn the_suite_passes_with_weaker_promises() {
    let promises = Promises { syncs_files: false, syncs_directories: false, names_exclusively: false };
    let open = async |storage: &str| {
        let directory = WasiDirectory::open(handle(&format!("weaker-{storage}"))).expect("it opens");
        WasiDirectory { promises, ..directory }
    };
    block_on(conformance::run(Handles::Many, open)).assert();
}

#[test]
fn this_runtime_keeps_every_promise_and_opening_leaves_no_trace() {
    let (handle, directory) = scratch("promises");
    assert_eq!(directory.promises, Promises::ALL);
    assert_eq!(directory.weaker_promises(), Vec::<String>::new());
    let names = handle.read_directory().expect("it lists").read_directory_entry().expect("it lists");
    assert!(names.is_none(), "{names:?}");
}

#[test]
fn each_weaker_promise_is_named() {
    assert_eq!(Promises::ALL.weaker(), Vec::<String>::new());
    let weaker = Promises { syncs_directories: false, ..Promises::ALL };
    let sentence = "this runtime cannot sync directories: the newest checkpoints may be lost when the machine crashes";
    assert_eq!(weaker.weaker(), [sentence]);
    let none = Promises { syncs_files: false, syncs_directories: false, names_exclusively: false };
    assert_eq!(none.weaker().into_iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn creating_leaves_no_temporary_names() {
    let (handle, directory) = scratch("temporary-names");
    let batch = || vec![file("segments/1", b"1"), file("one/metadata.json", b"2"), file("plain", b"3")];
    block_on(directory.create(batch())).expect("it creates");
    let expected = [
        entry("one/metadata.json", 1, EntryKind::File),
        entry("plain", 1, EntryKind::File),
        entry("segments/1", 1, EntryKind::File),
    ];
    assert_eq!(listed(&directory), expected);
    assert_eq!(kind(block_on(directory.create(batch()))), Err(Kind::AlreadyExists));
    assert_eq!(listed(&directory), expected);
    // The file had two hard links while it was being named, and has only one now.
    assert_eq!(handle.stat_at(PathFlags::empty(), "plain").expect("it is there").link_count, 1);
}

#[test]
fn leftovers_are_listed_as_temporary_and_can_be_deleted() {
    let (handle, directory) = scratch("leftovers");
    handle.create_directory_at("segments").expect("it is new");
    put(&handle, "segments/.tmp-1-0", b"half");
    put(&handle, ".tmp-wasi-0", b"");
    put(&handle, ".lock", b"7\n");
    put(&handle, ".gitignore", b"*");
    let expected = [
        entry(".gitignore", 1, EntryKind::File),
        entry(".tmp-wasi-0", 0, EntryKind::Temporary),
        entry("segments/.tmp-1-0", 4, EntryKind::Temporary),
    ];
    assert_eq!(listed(&directory), expected);
    // Leftover files do not disturb later calls.
    block_on(directory.create(vec![file("plain", b"x")])).expect("it creates");
    block_on(directory.delete(&[".tmp-wasi-0".into(), "segments/.tmp-1-0".into()])).expect("it deletes");
    assert_eq!(listed(&directory), [entry(".gitignore", 1, EntryKind::File), entry("plain", 1, EntryKind::File)]);
    assert_eq!(kind(block_on(directory.delete(&[".lock".into()]))), Err(Kind::Invalid));
}

/// After a crash between the two steps of naming, a whole file has two names.
#[test]
fn a_file_with_a_second_temporary_name_is_whole() {
    let (handle, directory) = scratch("two-names");
    put(&handle, ".tmp-wasi-9", b"whole");
    handle.link_at(PathFlags::empty(), ".tmp-wasi-9", &handle, "named").expect("it links");
    assert_eq!(listed(&directory), [entry(".tmp-wasi-9", 5, EntryKind::Temporary), entry("named", 5, EntryKind::File)]);
    block_on(directory.delete(&[".tmp-wasi-9".into()])).expect("it deletes");
    assert_eq!(block_on(directory.read("named")).expect("it reads"), b"whole");
}

#[test]
fn links_are_never_followed() {
    let (handle, directory) = scratch("links");
    handle.create_directory_at("real").expect("it is new");
    put(&handle, "real/secret", b"secret");
    handle.symlink_at("real", "linked").expect("a link");
    handle.symlink_at("real/secret", "link").expect("a link");
    handle.symlink_at("nowhere", "dangling").expect("a link");
    let expected = [
        entry("dangling", 0, EntryKind::Other),
        entry("link", 0, EntryKind::Other),
        entry("linked", 0, EntryKind::Other),
        entry("real/secret", 6, EntryKind::File),
    ];
    assert_eq!(listed(&directory), expected);
    for link in ["link", "linked", "dangling"] {
        assert_eq!(kind(block_on(directory.read(link))), Err(Kind::Invalid), "read {link}");
        assert_eq!(kind(block_on(directory.delete(&[link.into()]))), Err(Kind::Invalid), "delete {link}");
        assert_eq!(kind(block_on(directory.create(vec![file(link, b"x")]))), Err(Kind::AlreadyExists), "create {link}");
    }
    assert_eq!(kind(block_on(directory.read("linked/secret"))), Err(Kind::Invalid));
    assert_eq!(kind(block_on(directory.create(vec![file("linked/new", b"x")]))), Err(Kind::Invalid));
    assert_eq!(kind(block_on(directory.delete(&["linked/secret".into()]))), Ok(()), "nothing of ours is behind it");
    assert_eq!(listed(&directory), expected);
}

#[test]
fn nothing_outside_is_reached() {
    let (_, directory) = scratch("outside");
    put(&handle("outside-neighbour"), "secret", b"secret");
    for path in ["../outside-neighbour/secret", "/secret", "a/../../secret", "", ".", "a//b", "a\0b"] {
        assert_eq!(kind(block_on(directory.read(path))), Err(Kind::Invalid), "read {path:?}");
        assert_eq!(kind(block_on(directory.read_range(path, 0, 1))), Err(Kind::Invalid), "read {path:?}");
        assert_eq!(kind(block_on(directory.delete(&[path.into()]))), Err(Kind::Invalid), "delete {path:?}");
        assert_eq!(kind(block_on(directory.create(vec![file(path, b"x")]))), Err(Kind::Invalid), "create {path:?}");
    }
    assert_eq!(kind(block_on(directory.read(&"x".repeat(300)))), Err(Kind::NotFound));
}

#[test]
fn directories_and_foreign_files_are_listed_and_left_alone() {
    let (handle, directory) = scratch("foreign");
    for name in ["segments", "segments/deep", "empty"] {
        handle.create_directory_at(name).expect("it is new");
    }
    put(&handle, "segments/deep/Foreign File", b"12345");
    let foreign = entry("segments/deep/Foreign File", 5, EntryKind::File);
    assert_eq!(listed(&directory), [entry("empty", 0, EntryKind::EmptyDirectory), foreign.clone()]);
    assert_eq!(kind(block_on(directory.read("empty"))), Err(Kind::Invalid));
    assert_eq!(kind(block_on(directory.delete(&["segments".into()]))), Err(Kind::Invalid), "it is not empty");
    block_on(directory.delete(&["empty".into()])).expect("it deletes");
    block_on(directory.create(vec![file("segments/1", b"x")])).expect("it creates");
    block_on(directory.delete(&["segments/1".into()])).expect("it deletes");
    assert_eq!(listed(&directory), [foreign]);
    assert_eq!(kind(block_on(directory.create(vec![file("segments/deep", b"")]))), Err(Kind::AlreadyExists));
}

#[test]
fn a_directory_that_is_not_granted_is_named() {
    let error = WasiDirectory::named(Some("elsewhere")).expect_err("it is refused");
    assert_eq!(error.kind(), Kind::NotFound);
    let (_, granted) = get_directories().pop().expect("the runner grants a scratch directory");
    assert_eq!(
        error.to_string(),
        format!("open elsewhere: not found: the host grants no such directory; it grants {granted:?}")
    );
    WasiDirectory::named(None).expect("the only one needs no name");
    WasiDirectory::named(Some(&granted)).expect("it opens by its name");
}
