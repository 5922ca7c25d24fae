//! Files that grow, are rotated, or are cut short.

use std::fs;

use super::*;

/// Files that are followed.
struct FollowedFiles(TempDir);

impl SourceFixture for FollowedFiles {
    fn partitions_max(&self) -> usize {
        1
    }
    fn ends(&self) -> bool {
        false
    }
    fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
        fs::write(self.0.path().join(stream), "record,second\n").unwrap();
        self.append(stream, 0, &partitions[0]);
    }
    fn append(&mut self, stream: &str, _: usize, records: &[String]) {
        let rows: String = records.iter().fold(String::new(), |rows, record| rows + record + ",2\n");
        append(&self.0.path().join(stream), &rows);
    }
    fn has_other_schemas(&self) -> bool {
        true
    }
    fn append_other(&mut self, stream: &str, records: &[String]) {
        let path = self.0.path().join(stream);
        fs::rename(&path, self.0.path().join(format!("{stream}.1"))).unwrap();
        let rows: String = records.iter().fold(String::new(), |rows, record| rows + record + ",2,3\n");
        fs::write(path, format!("record,third,second\n{rows}")).unwrap();
    }
    fn open(&mut self, stream: &str) -> Box<dyn Source> {
        Box::new(FileSource::new(self.0.path().join(stream)).follow(true))
    }
}

#[test]
fn files_that_are_followed_pass_the_suite() {
    assert_eq!(source_suite(&mut FollowedFiles(tempfile::tempdir().unwrap())).assert(), 19);
}

#[test]
fn a_header_that_is_the_same_after_a_rotation_does_not_end_a_batch() {
    let mut log = Log::new("a\n1\n");
    let mut batch = Batch::default();
    for (count, header, rows) in [(2, "a", "2\n"), (3, "b", "3\n")] {
        log.rotate(&format!(".{count}"), &format!("{header}\n{rows}"));
        while batch.has_room() && batch.count() < count {
            log.reader.poll(&mut batch, soon()).unwrap();
        }
    }
    assert_eq!((batch.count(), batch.has_room()), (2, false));
}

struct Log {
    _directory: TempDir,
    path: PathBuf,
    reader: Box<dyn Reader>,
}

impl Log {
    fn new(text: &str) -> Self {
        let (directory, path) = file(text.as_bytes());
        let reader = opened(FileSource::new(&path).follow(true));
        Self { _directory: directory, path, reader }
    }

    /// Continues as another process would.
    fn restart(&mut self) {
        let position = self.reader.position();
        self.reader = opened(FileSource::new(&self.path).follow(true));
        self.reader.seek(&position).unwrap();
    }

    fn rotated(&self, number: &str) -> PathBuf {
        PathBuf::from(format!("{}{number}", self.path.display()))
    }

    fn rotate(&self, number: &str, text: &str) {
        fs::rename(&self.path, self.rotated(number)).unwrap();
        fs::write(&self.path, text).unwrap();
    }

    /// Reads so many records, which are all that there are.
    #[track_caller]
    fn expect(&mut self, expected: &[&str]) {
        let mut found = Vec::new();
        while found.len() < expected.len() {
            let mut batch = Batch::default();
            let polled = self.reader.poll(&mut batch, soon()).unwrap();
            assert_eq!(polled, Polled::Records, "after {found:?} of {expected:?}");
            found.extend(batch.records().map(|record| String::from_utf8(record.field(0).unwrap().to_vec()).unwrap()));
        }
        assert_eq!(found, expected);
        let deadline = Instant::now() + Duration::from_millis(30);
        assert_eq!(self.reader.poll(&mut Batch::default(), deadline).unwrap(), Polled::Nothing);
    }
}

#[test]
fn a_file_that_grows_is_followed_by_whole_lines() {
    let mut log = Log::new("a,");
    log.expect(&[]);
    append(&log.path, "b\n1,2");
    log.expect(&[]);
    append(&log.path, "2\n3,4\n5");
    log.expect(&["1", "3"]);
    log.restart();
    log.expect(&[]);
    append(&log.path, "5,6\n");
    log.expect(&["55"]);
}

#[test]
fn a_file_that_is_rotated_is_read_to_its_end_first() {
    for restarts in [false, true] {
        let mut log = Log::new("a\n1\n");
        log.expect(&["1"]);
        append(&log.path, "2\n");
        log.rotate(".1", "");
        // The writer has not taken note of it yet.
        append(&log.rotated(".1"), "3\n4");
        if restarts {
            log.restart();
        }
        log.expect(&["2", "3"]);
        fs::write(&log.path, "a\n5\n").unwrap();
        if restarts {
            log.restart();
        }
        log.expect(&["4", "5"]);
        log.restart();
        append(&log.path, "6\n");
        log.expect(&["6"]);
    }
}

#[test]
fn a_file_that_is_copied_and_written_again_while_it_is_read_loses_and_mixes_nothing() {
    let numbered = |from: usize, to: usize| (from..to).map(|number| format!("{number:07}")).collect::<Vec<_>>();
    let text = |records: &[String]| format!("a\n{}\n", records.join("\n"));
    for read_before in [1, 100, 20_000] {
        let (old, new) = (numbered(0, 60_000), numbered(100_000, 170_000));
        let mut log = Log::new(&text(&old));
        // Some was read into memory, and not all.
        let mut batch = Batch::new(read_before, usize::MAX);
        assert_eq!(log.reader.poll(&mut batch, soon()).unwrap(), Polled::Records);
        fs::copy(&log.path, log.rotated(".1")).unwrap();
        fs::write(&log.path, text(&new)).unwrap();
        let expected: Vec<&str> = old.iter().skip(read_before as usize).chain(&new).map(String::as_str).collect();
        log.expect(&expected);
    }
}

#[test]
fn several_rotations_are_followed_in_order() {
    let mut log = Log::new("a\n1\n");
    log.expect(&["1"]);
    let position = log.reader.position();
    append(&log.path, "2\n");
    let aged = |path: &Path, hours: u64| {
        let time = std::time::SystemTime::now() - Duration::from_secs(3_600 * hours);
        File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    };
    log.rotate("-20130101", "a\n3\n");
    log.rotate("-20130102", "a\n4\n");
    aged(&log.rotated("-20130101"), 2);
    aged(&log.rotated("-20130102"), 1);
    // Names that are no rotation's.
    fs::write(log.rotated(".lock"), "a\n1\nx\n").unwrap();
    log.reader = opened(FileSource::new(&log.path).follow(true));
    log.reader.seek(&position).unwrap();
    log.expect(&["2", "3", "4"]);
    log.restart();
    log.expect(&[]);
}

#[test]
fn a_file_that_is_copied_and_cut_short_is_continued_in_the_copy() {
    for restarts in [false, true] {
        let mut log = Log::new("a\n1\n2\n");
        log.expect(&["1", "2"]);
        append(&log.path, "3\n");
        fs::copy(&log.path, log.rotated(".1")).unwrap();
        // What comes is as long as what was there.
        fs::write(&log.path, "a\n4\n5\n66\n").unwrap();
        if restarts {
            log.restart();
        }
        log.expect(&["3", "4", "5", "66"]);
    }
    let mut log = Log::new("a\n1\n2\n");
    log.expect(&["1", "2"]);
    fs::write(&log.path, "a\n").unwrap();
    let error = log.reader.poll(&mut Batch::default(), soon()).unwrap_err();
    assert_eq!(error.kind(), Kind::Replaced, "{error}");
}

#[test]
fn lines_are_continued_in_the_rotated_file_though_the_new_one_is_shorter() {
    let (_directory, path) = file(b"1\n2\n3\n4\n");
    let open = || opened(FileSource::new(&path).format(Format::Lines).follow(true));
    let mut reader = open();
    let mut batch = Batch::new(3, usize::MAX);
    assert_eq!(reader.poll(&mut batch, soon()).unwrap(), Polled::Records);
    let position = reader.position();
    fs::rename(&path, format!("{}.1", path.display())).unwrap();
    fs::write(&path, "5\n").unwrap();
    let mut log = Log { _directory: tempfile::tempdir().unwrap(), path: path.clone(), reader: open() };
    log.reader.seek(&position).unwrap();
    log.expect(&["4", "5"]);
}

#[test]
fn compressed_data_cannot_be_followed() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"a\n1\n").unwrap();
    let (_directory, path) = file(&encoder.finish().unwrap());
    let mut reader = opened(FileSource::new(&path).follow(true));
    let (found, error) = read(&mut *reader);
    assert_eq!((found, error.unwrap().kind()), (vec![b"1".to_vec()], Kind::Unsupported));
}
