use std::fs;

use super::*;
use crate::testing::{SourceFixture, source_suite};

fn names(set: &mut impl Source) -> Vec<String> {
    set.partitions().unwrap().iter().map(|partition| partition.name().to_owned()).collect()
}

/// Each stream is a directory, and each partition a file.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn lines(records: &[String]) -> String {
        records.iter().flat_map(|record| [record, "\n"]).collect()
    }
}

impl SourceFixture for Fixture {
    fn partitions_max(&self) -> usize {
        3
    }

    fn ends(&self) -> bool {
        true
    }

    fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
        fs::create_dir(self.0.path().join(stream)).unwrap();
        for (number, records) in partitions.iter().enumerate() {
            let path = self.0.path().join(stream).join(format!("{number}.csv"));
            fs::write(path, format!("record\n{}", Self::lines(records))).unwrap();
        }
    }

    fn append(&mut self, stream: &str, partition: usize, records: &[String]) {
        use std::io::Write;
        let path = self.0.path().join(stream).join(format!("{partition}.csv"));
        let mut file = fs::File::options().append(true).open(path).unwrap();
        file.write_all(Self::lines(records).as_bytes()).unwrap();
    }

    fn open(&mut self, stream: &str) -> Box<dyn Source> {
        Box::new(FileSet::of_directory(self.0.path().join(stream), FileSource::new))
    }
}

#[test]
fn it_conforms() {
    source_suite(&mut Fixture(tempfile::tempdir().unwrap())).assert();
}

#[test]
fn only_files_that_are_meant_are_partitions() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    fs::create_dir_all(at("deep/er")).unwrap();
    for name in ["b.csv", "a.csv", ".hidden.csv", "a.csv.1", "a.csv-20130101", "c.txt", "deep/d.csv", "deep/er/e.csv"] {
        fs::write(at(name), "x\n1\n").unwrap();
    }
    std::os::unix::fs::symlink(at("c.txt"), at("link.csv")).unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("dangling.csv")).unwrap();
    let mut whole = FileSet::of_directory(scratch.path(), FileSource::new);
    assert_eq!(names(&mut whole), ["a.csv", "a.csv-20130101", "a.csv.1", "b.csv", "c.txt", "link.csv"]);
    let mut followed = FileSet::of_directory(scratch.path(), FileSource::new).without_rotated(true);
    assert_eq!(names(&mut followed), ["a.csv", "b.csv", "c.txt", "link.csv"]);
    let mut matching = FileSet::matching(at("[ab].csv"), FileSource::new).unwrap();
    assert_eq!(names(&mut matching), ["a.csv", "b.csv"]);
    let mut deep = FileSet::matching(at("**/*.csv"), FileSource::new).unwrap();
    assert_eq!(names(&mut deep), ["a.csv", "b.csv", "deep/d.csv", "deep/er/e.csv", "link.csv"]);
}

#[test]
fn a_path_is_within_by_whatever_name() {
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir(scratch.path().join("logs")).unwrap();
    let at = |name: &str| scratch.path().join(name);
    let whole = FileSet::of_directory(at("logs"), FileSource::new);
    assert!(whole.contains(&at("logs/out.ndjson")) && whole.contains(&at("logs/../logs/out.ndjson")));
    assert!(!whole.contains(&at("out.ndjson")));
    let some = FileSet::matching(at("logs/*.csv"), FileSource::new).unwrap();
    assert!(some.contains(&at("logs/../logs/out.csv")) && !some.contains(&at("logs/out.ndjson")));
}

#[test]
fn what_is_no_pattern_or_no_name_is_named() {
    let error = FileSet::matching("logs/[a", FileSource::new).map(drop).unwrap_err();
    assert!(error.to_string().starts_with("logs/[a: is no pattern"), "{error}");
    let scratch = tempfile::tempdir().unwrap();
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff.csv");
    fs::write(scratch.path().join(name), "x\n").unwrap();
    let error = FileSet::of_directory(scratch.path(), FileSource::new).partitions().unwrap_err();
    assert!(error.to_string().contains("no text"), "{error}");
    let error = FileSet::of_directory("/nowhere", FileSource::new).partitions().unwrap_err();
    assert!(error.to_string().contains("/nowhere"), "{error}");
}

#[test]
fn new_files_are_found_until_they_are_added_and_renamed_ones_say_what_they_were() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let set = FileSet::of_directory(scratch.path(), FileSource::new).without_rotated(true);
    let mut seen = SeenFiles::default();
    let mut look = |is_added: bool| -> Vec<(String, Option<String>)> {
        let new = set.new_files(&mut seen).unwrap();
        if is_added {
            for file in &new {
                seen.add(file);
            }
        }
        let name = |partition: &Partition| partition.name().to_owned();
        new.iter().map(|file| (name(file.partition()), file.was().map(name))).collect()
    };
    let new = |name: &str| (name.to_owned(), None);
    fs::write(at("a"), "x\n").unwrap();
    fs::write(at("b"), "x\n").unwrap();
    assert_eq!(look(false), [new("a"), new("b")]);
    assert_eq!(look(true), [new("a"), new("b")]);
    assert_eq!(look(true), []);
    // A rotation, and a second name for a file that is still there.
    fs::rename(at("a"), at("a.1")).unwrap();
    fs::write(at("a"), "y\n").unwrap();
    fs::hard_link(at("b"), at("c")).unwrap();
    assert_eq!(look(true), [new("c")]);
    // Names that are no rotation's, for the file that is there and for the one before it.
    fs::rename(at("a"), at("d")).unwrap();
    fs::rename(at("a.1"), at("e")).unwrap();
    let was_a = |name: &str| (name.to_owned(), Some("a".to_owned()));
    assert_eq!(look(false), [was_a("d"), was_a("e")]);
}
