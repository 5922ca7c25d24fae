//! Processes of one generation after another, and of an earlier one that continues.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use alluvium_core::directory::{DirectoryError, MemoryDirectory};

use super::*;

fn place(directory: &Arc<MemoryDirectory>, generation: u64) -> SharedPlace<MemoryDirectory> {
    SharedPlace::new(Arc::clone(directory), "late", generation)
}

fn keep(place: &mut impl WaitingPlace, bytes: &[u8]) -> io::Result<()> {
    place.begin()?;
    place.append(bytes)?;
    place.keep()
}

#[test]
fn what_was_kept_is_found_by_the_next_generation_and_nothing_else_is_left() {
    let directory = Arc::default();
    for generation in 1..=3 {
        let mut place = place(&directory, generation);
        place.take().unwrap();
        let before = generation - 1;
        let expected = (before > 0).then(|| format!("{before} more").into_bytes());
        assert_eq!(place.records().unwrap(), expected);
        assert_eq!(place.note().unwrap(), (before > 0).then(|| format!("{before}")));
        for _ in 0..5 {
            keep(&mut place, generation.to_string().as_bytes()).unwrap();
            place.append(b" more").unwrap();
            assert_eq!(place.written().unwrap(), format!("{generation} more").into_bytes());
            place.keep().unwrap();
            place.keep().unwrap();
            place.end();
            place.keep_note(&generation.to_string()).unwrap();
        }
        let names: Vec<String> = directory.to_files().into_keys().collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }
}

#[test]
fn an_epoch_that_is_not_kept_is_forgotten() {
    let directory = Arc::default();
    let mut first = place(&directory, 1);
    first.take().unwrap();
    keep(&mut first, b"kept").unwrap();
    first.begin().unwrap();
    first.append(b"lost").unwrap();
    first.end();
    assert_eq!(first.records().unwrap(), Some(b"kept".to_vec()));
    let mut second = place(&directory, 2);
    second.take().unwrap();
    assert_eq!(second.records().unwrap(), Some(b"kept".to_vec()));
}

/// A process of an earlier generation continues at each of its steps while a later one takes the place.
#[test]
fn an_earlier_process_gives_up_and_what_it_still_does_changes_nothing() {
    for steps in 0..=4 {
        let directory = Arc::default();
        let mut old = place(&directory, 4);
        let mut calls = 0;
        let mut run = |old: &mut SharedPlace<_>, until: usize| -> io::Result<()> {
            while calls < until {
                match calls {
                    0 => old.take(),
                    1 => keep(old, b"records"),
                    2 => old.keep_note("sending"),
                    _ => old.keep_note("sent"),
                }?;
                calls += 1;
            }
            Ok(())
        };
        run(&mut old, steps).unwrap();
        let mut new = place(&directory, 5);
        new.take().unwrap();
        let found = (new.records().unwrap(), new.note().unwrap());
        if steps < 4 {
            assert!(Superseded::is(&run(&mut old, 4).unwrap_err()), "after {steps} steps");
        }
        assert!(Superseded::is(&keep(&mut old, b"further").unwrap_err()), "after {steps} steps");
        assert_eq!((new.records().unwrap(), new.note().unwrap()), found);
        // The later process has kept nothing, so what the earlier one left is found.
        let mut next = place(&directory, 6);
        next.take().unwrap();
        assert_eq!(next.records().unwrap(), Some(b"further".to_vec()), "after {steps} steps");
        let note = [None, None, Some("sending"), Some("sent"), Some("sent")][steps];
        assert_eq!(next.note().unwrap().as_deref(), note, "after {steps} steps");
        new.keep_note("too late").unwrap_err();
    }
}

/// A directory in which something happens before the next listing, also between a creation and its listing.
#[derive(Default)]
struct Interrupted {
    directory: MemoryDirectory,
    before_listing: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Directory for Interrupted {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let happens = self.before_listing.lock().unwrap().take();
        if let Some(happens) = happens {
            happens();
        }
        self.directory.list().await
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
fn what_a_later_process_has_found_stays_there_for_those_after_it() {
    let directory = Arc::new(Interrupted::default());
    let place = |generation| SharedPlace::new(Arc::clone(&directory), "late", generation);
    let mut old = place(4);
    old.take().unwrap();
    old.keep_note("sent").unwrap();
    // The later process takes the place between the creation of the note and its listing.
    let mut new = place(5);
    let (found, finds) = channel();
    *directory.before_listing.lock().unwrap() = Some(Box::new(move || {
        new.take().unwrap();
        found.send(new).unwrap();
    }));
    assert!(Superseded::is(&old.keep_note("sending").unwrap_err()));
    let mut new = finds.recv().unwrap();
    assert_eq!(new.note().unwrap().as_deref(), Some("sending"));
    // It dies before it has kept anything.
    drop(new);
    let mut next = place(6);
    next.take().unwrap();
    assert_eq!(next.note().unwrap().as_deref(), Some("sending"));
    next.keep_note("sent again").unwrap();
    assert_eq!(directory.directory.to_files().len(), 2);
}

#[test]
fn a_place_is_looked_at_again_before_each_recovery() {
    let directory = Arc::default();
    let mut old = place(&directory, 1);
    old.take().unwrap();
    old.take().unwrap();
    place(&directory, 2).take().unwrap();
    assert!(Superseded::is(&old.take().unwrap_err()));
}

#[test]
fn other_files_are_left_alone() {
    let directory = MemoryDirectory::from_files([
        ("records".to_owned(), vec![1]),
        ("1-2-records".to_owned(), vec![2]),
        (format!("{:020}-{:020}-else", 9, 9), vec![3]),
    ]);
    let directory = Arc::new(directory);
    let mut place = place(&directory, 1);
    place.take().unwrap();
    assert_eq!(place.records().unwrap(), None);
    keep(&mut place, b"mine").unwrap();
    assert_eq!(directory.to_files().len(), 5);
}
