//! A job whose files are followed: files that come, and files that get other names.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use super::{gunzip, hosts, run_arguments, status};
use crate::running::Running;
use crate::support::{Bench, delays, flights, ok, text};

/// Rows of the flights, and a folder for them.
struct Rows {
    header: String,
    lines: Vec<String>,
    folder: PathBuf,
}

impl Rows {
    fn of(bench: &Bench) -> Self {
        let all = String::from_utf8(gunzip(&flights())).expect("text");
        let mut lines = all.lines().map(str::to_owned);
        let (header, folder) = (lines.next().expect("a header"), bench.path("in"));
        fs::create_dir(&folder).expect("a folder");
        Self { header, lines: lines.collect(), folder }
    }

    /// Writes a file in one step, so that it is never seen half.
    fn write(&self, name: &str, rows: std::ops::Range<usize>) {
        let (half, whole) = (self.folder.join(format!(".{name}")), self.folder.join(name));
        fs::write(&half, format!("{}\n{}\n", self.header, self.lines[rows].join("\n"))).expect("it writes");
        fs::rename(half, whole).expect("it is renamed");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.folder.join(from), self.folder.join(to)).expect("it is renamed");
    }

    /// The digest of the state after so many rows, each read once.
    fn digest_of(&self, bench: &Bench, count: usize) -> Value {
        let (file, dir) = (bench.path(&format!("first-{count}.csv")), text(&bench.path(&format!("first-{count}"))));
        fs::write(&file, format!("{}\n{}\n", self.header, self.lines[..count].join("\n"))).expect("it writes");
        ok(["run", &text(&delays()), "--dir", &dir, "--input", &text(&file), "--no-results"]);
        let shown: Value = serde_json::from_str(&ok(["show", &dir, "--json"])).expect("a JSON object");
        shown["alluvium"]["state_digest"].clone()
    }
}

const FOLLOWED: [&str; 4] = ["--follow", "--epoch-interval", "50", "--json"];

fn follow(job: &str, input: &Path, more: &[&str]) -> Running {
    Running::of(run_arguments(job, &text(input), &[&FOLLOWED[..], more].concat()))
}

/// Waits until a process has told of so many records in all of its generations.
fn wait_for_records(run: &mut Running, records: u64) {
    loop {
        let found = run.wait_for("epoch")["records"].as_u64().expect("a number");
        assert!(found <= records, "{found} of {records}");
        if found == records {
            return;
        }
    }
}

#[test]
fn a_file_that_was_left_for_the_next_one_is_not_read_once_more() {
    for signal in [Signal::TERM, Signal::KILL] {
        let bench = Bench::new();
        let (rows, job) = (Rows::of(&bench), text(&bench.path("job")));
        rows.write("log.csv", 0..1_000);
        let mut run = follow(&job, &rows.folder, &["--workers", "2"]);
        wait_for_records(&mut run, 1_000);
        // The first name is none that a rotation gives, and the second is one.
        rows.rename("log.csv", "moved.csv");
        rows.write("log.csv", 1_000..1_500);
        wait_for_records(&mut run, 1_500);
        rows.rename("log.csv", "log.csv.1");
        rows.write("log.csv", 1_500..1_700);
        wait_for_records(&mut run, 1_700);
        run.signal(signal);
        run.end();
        let ended = ok(run_arguments(&job, &text(&rows.folder), &["--workers", "1"]));
        assert_eq!(status(&job)["state_digest"], rows.digest_of(&bench, 1_700), "{ended}");
    }
}

#[test]
fn files_that_come_while_a_job_runs_are_read_by_its_next_generation() {
    let bench = Bench::new();
    let (rows, job, hosts) = (Rows::of(&bench), text(&bench.path("job")), text(&hosts(&bench, 2)));
    rows.write("0.csv", 0..1_000);
    rows.write("1.csv", 1_000..2_000);
    let [mut first, mut second] =
        ["0", "1"].map(|process| follow(&job, &rows.folder, &["--hosts", &hosts, "--process", process]));
    wait_for_records(&mut first, 2_000);
    rows.write("2.csv", 2_000..2_700);
    second.wait_for("grown");
    first.wait_for("grown");
    wait_for_records(&mut first, 2_700);
    // What it read before is read on, too.
    rows.rename("2.csv", "3.csv");
    rows.write("2.csv", 3_000..3_100);
    wait_for_records(&mut first, 2_800);
    let mut third = fs::File::options().append(true).open(rows.folder.join("3.csv")).expect("it opens");
    writeln!(third, "{}", rows.lines[2_700..3_000].join("\n")).expect("it writes");
    wait_for_records(&mut first, 3_100);
    assert_eq!(status(&job)["workers"], 2);
    for run in [&first, &second] {
        run.signal(Signal::TERM);
    }
    first.end();
    second.end();
    ok(run_arguments(&job, &text(&rows.folder), &[]));
    assert_eq!(status(&job)["state_digest"], rows.digest_of(&bench, 3_100));
}

#[test]
fn a_short_new_file_is_not_taken_for_a_longer_one_that_is_gone() {
    let bench = Bench::new();
    let (rows, job) = (Rows::of(&bench), text(&bench.path("job")));
    rows.write("old.csv", 0..1_000);
    rows.write("stays.csv", 1_000..1_001);
    let mut run = follow(&job, &rows.folder, &[]);
    wait_for_records(&mut run, 1_001);
    run.signal(Signal::KILL);
    run.end();
    fs::remove_file(rows.folder.join("old.csv")).expect("it is deleted");
    rows.write("new.csv", 1_001..1_101);
    let mut run = follow(&job, &rows.folder, &[]);
    wait_for_records(&mut run, 100);
    run.signal(Signal::TERM);
    run.end();
    assert_eq!(status(&job)["state_digest"], rows.digest_of(&bench, 1_101));
}
