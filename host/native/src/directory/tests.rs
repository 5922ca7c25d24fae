//! What the contract says, and what only a real file system can get wrong.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};

use alluvium_core::directory::{Directory, DirectoryErrorKind, Entry, EntryKind, NewFile, block_on};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tempfile::TempDir;

use super::NativeDirectory;
use crate::watch::{Call, Watch};

const NAMES: [&str; 3] = ["checkpoint_1", "checkpoint_2", "checkpoint_3"];

/// Deletes all directories but the first that is synced, after they were listed.
#[derive(Debug)]
struct Deleting(std::path::PathBuf);

impl Watch for Deleting {
    fn before(&self, call: Call<'_>) -> Result<(), io::Error> {
        if let Call::SyncDirectory(name) = call {
            for other in NAMES.iter().filter(|other| **other != name) {
                // Those that were deleted before are gone.
                let _ = fs::remove_dir(self.0.join(other));
            }
        }
        Ok(())
    }

    fn done(&self, _call: Call<'_>) {}
}

#[test]
fn a_writer_opens_while_another_one_deletes() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    for name in NAMES {
        fs::create_dir(scratch.path().join(name)).expect("it is created");
    }
    let watcher = Arc::new(Deleting(scratch.path().to_owned()));
    let opened = NativeDirectory::open_exclusive_watched(scratch.path(), watcher);
    assert!(opened.is_ok(), "{opened:?}");
}

fn scratch() -> (TempDir, NativeDirectory) {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let directory = NativeDirectory::open(scratch.path()).expect("it opens");
    (scratch, directory)
}

fn file(path: &str, content: &[u8]) -> NewFile {
    NewFile { path: path.into(), content: content.to_vec() }
}

fn create(directory: &NativeDirectory, batch: Vec<NewFile>) -> Result<(), DirectoryErrorKind> {
    block_on(directory.create(batch)).map_err(|error| error.kind())
}

fn read(directory: &NativeDirectory, path: &str) -> Result<Vec<u8>, DirectoryErrorKind> {
    block_on(directory.read(path)).map_err(|error| error.kind())
}

fn delete(directory: &NativeDirectory, path: &str) -> Result<(), DirectoryErrorKind> {
    block_on(directory.delete(&[path.to_owned()])).map_err(|error| error.kind())
}

fn listed(directory: &NativeDirectory) -> Vec<(String, u64, EntryKind)> {
    let entries = block_on(directory.list()).expect("it lists");
    entries.into_iter().map(|Entry { path, bytes, kind }| (path, bytes, kind)).collect()
}

fn entry(path: &str, bytes: u64, kind: EntryKind) -> (String, u64, EntryKind) {
    (path.to_owned(), bytes, kind)
}

#[test]
fn a_batch_is_there_whole_with_no_leftovers() {
    let (_scratch, directory) = scratch();
    create(&directory, vec![file("segments/b", b"22"), file("segments/a", b""), file("one/metadata.json", b"1")])
        .expect("it creates");
    let expected = [
        entry("one/metadata.json", 1, EntryKind::File),
        entry("segments/a", 0, EntryKind::File),
        entry("segments/b", 2, EntryKind::File),
    ];
    assert_eq!(listed(&directory), expected);
    assert_eq!(read(&directory, "segments/b"), Ok(b"22".to_vec()));
    assert_eq!(create(&directory, Vec::new()), Ok(()), "nothing to create is no error");
}

#[test]
fn a_taken_name_fails_the_batch_and_changes_nothing() {
    let (scratch, directory) = scratch();
    create(&directory, vec![file("a/old", b"old")]).expect("it creates");
    symlink("nowhere", scratch.path().join("link")).expect("a link");
    for taken in ["a/old", "a", "link"] {
        let batch = vec![file("a/before", b"new"), file(taken, b"new"), file("last", b"new")];
        assert_eq!(create(&directory, batch), Err(DirectoryErrorKind::AlreadyExists), "{taken}");
    }
    let twice = vec![file("same", b"1"), file("same", b"2")];
    assert_eq!(create(&directory, twice), Err(DirectoryErrorKind::AlreadyExists));
    assert_eq!(read(&directory, "a/old"), Ok(b"old".to_vec()));
    assert_eq!(listed(&directory).len(), 2, "the old file and the link: {:?}", listed(&directory));
}

#[test]
fn of_many_threads_creating_one_name_exactly_one_wins() {
    let (_scratch, directory) = scratch();
    let won: usize = std::thread::scope(|scope| {
        let directory = &directory;
        let create = move |n: u8| create(directory, vec![file(&format!("d{n}/x"), b""), file("contested", &[n])]);
        let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || create(n))).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().expect("it ends").is_ok())).sum()
    });
    assert_eq!(won, 1);
    assert!(listed(&directory).iter().all(|(_, _, kind)| *kind == EntryKind::File), "{:?}", listed(&directory));
}

#[test]
fn creating_survives_another_thread_deleting_the_directory_when_it_is_empty() {
    let (_scratch, directory) = scratch();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let directory = &directory;
            scope.spawn(move || {
                for n in 0..50 {
                    let path = format!("shared/{thread}-{n}");
                    create(directory, vec![file(&path, b"x")]).expect("it creates");
                    delete(directory, &path).expect("it deletes");
                }
            });
        }
    });
    assert_eq!(listed(&directory), []);
}

#[test]
fn names_outside_the_contract_are_refused() {
    let (scratch, directory) = scratch();
    fs::write(scratch.path().join("plain"), b"p").expect("a file");
    for bad in ["../escape", "/etc/passwd", "", ".", "a/../b", "a//b", ".tmp-1", ".lock", "UPPER", "a/b/c", "nul\0"] {
        assert_eq!(create(&directory, vec![file(bad, b"")]), Err(DirectoryErrorKind::Invalid), "create {bad:?}");
    }
    for bad in ["../escape", "/etc/passwd", "", ".", "a/../b", "a//b", "nul\0"] {
        assert_eq!(read(&directory, bad), Err(DirectoryErrorKind::Invalid), "read {bad:?}");
        assert_eq!(delete(&directory, bad), Err(DirectoryErrorKind::Invalid), "delete {bad:?}");
    }
    assert_eq!(create(&directory, vec![file("plain/x", b"")]), Err(DirectoryErrorKind::Invalid), "below a file");
    assert_eq!(read(&directory, "plain/x"), Err(DirectoryErrorKind::NotFound));
    assert_eq!(read(&directory, &"x".repeat(300)), Err(DirectoryErrorKind::NotFound));
    assert_eq!(delete(&directory, "plain/x"), Ok(()), "what is not there is deleted already");
}

/// Everything that is no regular file, in one directory.
fn with_odd_files() -> (TempDir, NativeDirectory, TempDir) {
    let (scratch, directory) = scratch();
    let outside = tempfile::tempdir().expect("a temporary directory");
    fs::write(outside.path().join("secret"), b"secret").expect("a file");
    let at = |name: &str| scratch.path().join(name);
    symlink(outside.path().join("secret"), at("link")).expect("a link");
    symlink(outside.path(), at("linked")).expect("a link");
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
    let _listener = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
    fs::create_dir(at("empty")).expect("a directory");
    (scratch, directory, outside)
}

#[test]
fn links_pipes_and_sockets_are_listed_as_other_and_never_touched() {
    let (scratch, directory, outside) = with_odd_files();
    let expected = [
        entry("empty", 0, EntryKind::EmptyDirectory),
        entry("link", 0, EntryKind::Other),
        entry("linked", 0, EntryKind::Other),
        entry("pipe", 0, EntryKind::Other),
        entry("socket", 0, EntryKind::Other),
    ];
    assert_eq!(listed(&directory), expected);
    for odd in ["link", "linked", "pipe", "socket"] {
        assert_eq!(read(&directory, odd), Err(DirectoryErrorKind::Invalid), "read {odd}");
        assert_eq!(delete(&directory, odd), Err(DirectoryErrorKind::Invalid), "delete {odd}");
    }
    assert_eq!(read(&directory, "empty"), Err(DirectoryErrorKind::Invalid));
    assert!(read(&directory, "linked/secret").is_err(), "a link on the way");
    assert_eq!(delete(&directory, "linked/secret"), Ok(()), "behind a link there is nothing to delete");
    assert_eq!(create(&directory, vec![file("linked/new", b"x")]), Err(DirectoryErrorKind::Invalid));
    assert_eq!(fs::read(outside.path().join("secret")).expect("still there"), b"secret");
    assert!(scratch.path().join("link").symlink_metadata().is_ok(), "still there");
}

#[test]
fn without_openat2_nothing_is_opened_through_a_link_either() {
    let (scratch, directory, _outside) = with_odd_files();
    fs::write(scratch.path().join("empty/file"), b"x").expect("a file");
    let open = |path, flags| directory.root.open_by_component(path, flags, Mode::empty()).map(drop);
    for flags in [OFlags::RDONLY | OFlags::NONBLOCK, OFlags::PATH] {
        assert_eq!(open("empty/file", flags), Ok(()));
        assert_eq!(open("link", flags), Err(Errno::LOOP));
        assert!(matches!(open("linked/secret", flags), Err(Errno::LOOP | Errno::NOTDIR)));
        assert_eq!(open("empty/none", flags), Err(Errno::NOENT));
    }
}

#[test]
fn leftovers_and_foreign_files_are_listed_and_can_be_deleted() {
    let (scratch, directory) = scratch();
    fs::create_dir_all(scratch.path().join("segments/deep/er")).expect("directories");
    fs::write(scratch.path().join("segments/.tmp-1-0"), b"half").expect("a file");
    fs::write(scratch.path().join("segments/deep/er/Foreign File"), b"12345").expect("a file");
    let expected = [
        entry("segments/.tmp-1-0", 4, EntryKind::Temporary),
        entry("segments/deep/er/Foreign File", 5, EntryKind::File),
    ];
    assert_eq!(listed(&directory), expected);
    assert_eq!(delete(&directory, "segments"), Err(DirectoryErrorKind::Invalid), "it is not empty");
    delete(&directory, "segments/.tmp-1-0").expect("it deletes");
    delete(&directory, "segments/deep/er/Foreign File").expect("it deletes");
    assert_eq!(listed(&directory), [entry("segments/deep", 0, EntryKind::EmptyDirectory)]);
    delete(&directory, "segments/deep").expect("it deletes");
    assert_eq!(listed(&directory), [], "the directory goes with the last name in it");
}

#[test]
fn a_name_that_is_no_text_is_listed_and_left_alone() {
    use std::os::unix::ffi::OsStrExt;
    let (scratch, directory) = scratch();
    let name = std::ffi::OsStr::from_bytes(b"bad\xff");
    fs::create_dir(scratch.path().join(name)).expect("a directory");
    fs::write(scratch.path().join(name).join("inside"), b"x").expect("a file");
    assert_eq!(listed(&directory), [entry("bad\u{fffd}", 0, EntryKind::Other)]);
}

#[test]
fn ranges_are_exact_and_bounded_by_the_file() {
    let (_scratch, directory) = scratch();
    create(&directory, vec![file("f", b"0123456789")]).expect("it creates");
    let check = |offset, length, expected: Result<&[u8], DirectoryErrorKind>| {
        let found = block_on(directory.read_range("f", offset, length)).map_err(|error| error.kind());
        assert_eq!(found.as_deref(), expected.as_ref().copied(), "{length} at {offset}");
    };
    check(0, 10, Ok(b"0123456789"));
    check(4, 3, Ok(b"456"));
    check(10, 0, Ok(b""));
    check(10, 1, Err(DirectoryErrorKind::OutOfRange));
    check(11, 0, Err(DirectoryErrorKind::OutOfRange));
    check(0, usize::MAX, Err(DirectoryErrorKind::OutOfRange));
    check(u64::MAX, usize::MAX, Err(DirectoryErrorKind::OutOfRange));
}

#[test]
fn what_is_not_a_directory_does_not_open() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let kind = |path: &Path| NativeDirectory::open(path).map(drop).map_err(|error| error.kind());
    assert_eq!(kind(&scratch.path().join("missing")), Err(DirectoryErrorKind::NotFound));
    assert!(!scratch.path().join("missing").exists(), "opening never creates");
    let plain = scratch.path().join("plain");
    fs::write(&plain, b"x").expect("a file");
    assert_eq!(kind(&plain), Err(DirectoryErrorKind::Invalid));
    let created = NativeDirectory::create(&plain).map(drop).map_err(|error| error.kind());
    assert_eq!(created, Err(DirectoryErrorKind::Invalid));
    let below = NativeDirectory::create(plain.join("below")).map(drop).map_err(|error| error.kind());
    assert_eq!(below, Err(DirectoryErrorKind::Invalid));
    NativeDirectory::create(scratch.path().join("a/b/c")).expect("it creates all three");
    NativeDirectory::create(scratch.path().join("a/b/c")).expect("it opens what is there");
}

#[test]
fn a_second_writer_is_told_who_is_first_and_gets_in_when_it_is_gone() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let first = NativeDirectory::open_exclusive(scratch.path()).expect("the first writer");
    let refused = NativeDirectory::open_exclusive(scratch.path()).expect_err("the second writer");
    assert_eq!(refused.kind(), DirectoryErrorKind::Fenced);
    let holder = format!("process {}", std::process::id());
    assert!(refused.to_string().contains(&holder), "{refused} names {holder}");
    assert_eq!(listed(&NativeDirectory::open(scratch.path()).expect("a reader")), [], "the lock is not listed");
    assert_eq!(delete(&first, ".lock"), Err(DirectoryErrorKind::Invalid));
    drop(first);
    NativeDirectory::open_exclusive(scratch.path()).expect("the next writer");
}

#[test]
fn it_passes_the_suite_of_every_directory() {
    use alluvium_core::directory::testing::conformance::{self, Handles};

    let scratch = tempfile::tempdir().expect("a temporary directory");
    let open = async |storage: &str| NativeDirectory::create(scratch.path().join(storage)).expect("it opens");
    block_on(conformance::run(Handles::Many, open)).assert();
}

#[test]
fn a_writer_passes_the_suite_too() {
    use alluvium_core::directory::testing::conformance::{self, Handles};

    let scratch = tempfile::tempdir().expect("a temporary directory");
    let open = async |storage: &str| {
        let path = scratch.path().join(storage);
        NativeDirectory::create(&path).expect("it creates");
        NativeDirectory::open_exclusive(path).expect("it opens")
    };
    block_on(conformance::run(Handles::One, open)).assert();
}

/// A file system that can neither make hard links nor rename without replacing.
#[derive(Debug, Default)]
struct WithoutLinks {
    /// The names of the last link that was refused. A plain rename follows it, if anything.
    refused: Mutex<Option<(String, String)>>,
}

impl Watch for WithoutLinks {
    fn before(&self, call: Call<'_>) -> Result<(), io::Error> {
        let mut refused = self.refused.lock().expect("nothing panics");
        let names = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        match call {
            Call::Rename(from, to) if *refused != names(from, to) => Err(Errno::INVAL.into()),
            Call::Link(from, to) => {
                *refused = names(from, to);
                Err(Errno::PERM.into())
            }
            _ => Ok(()),
        }
    }

    fn done(&self, _: Call<'_>) {}
}

#[test]
fn without_hard_links_it_is_refused_or_says_what_is_weaker() {
    use alluvium_core::directory::testing::conformance::{self, Handles};

    let scratch = tempfile::tempdir().expect("a temporary directory");
    let open = || NativeDirectory::open_exclusive_watched(scratch.path(), Arc::new(WithoutLinks::default()));
    let refused = open().expect("it opens");
    let error = block_on(refused.create(vec![file("a", b"1")])).expect_err("it is refused");
    assert_eq!(error.kind(), DirectoryErrorKind::Unsupported);
    assert!(error.to_string().contains("can neither rename without replacing nor make hard links"), "{error}");
    assert_eq!(listed(&refused), [], "nothing is left");
    drop(refused);

    let accepted = open().and_then(NativeDirectory::accept_weaker_promises).expect("it is accepted");
    assert_eq!(listed(&accepted), [], "nothing is left of what was tried");
    let weaker = accepted.weaker_promises();
    assert!(matches!(&weaker[..], [one] if one.ends_with("may overwrite each other")), "{weaker:?}");
    drop(accepted);
    let open = async |storage: &str| {
        let path = scratch.path().join(storage);
        NativeDirectory::create(&path).expect("it creates");
        let directory = NativeDirectory::open_exclusive_watched(path, Arc::new(WithoutLinks::default()));
        directory.and_then(NativeDirectory::accept_weaker_promises).expect("it opens")
    };
    block_on(conformance::run(Handles::One, open)).assert();
}

#[test]
fn where_every_promise_is_kept_nothing_is_weaker() {
    let (_scratch, directory) = scratch();
    let directory = directory.accept_weaker_promises().expect("it opens");
    assert!(directory.accepts_weaker_promises());
    assert_eq!(directory.weaker_promises(), Vec::<String>::new());
    assert_eq!(listed(&directory), []);
}
