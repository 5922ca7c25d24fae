//! Checkpoints on an object store: every command over moto, and what is refused.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use alluvium_test_servers::object::{BUCKET, ObjectStore};
use serde_json::Value;

use crate::support::{Bench, Done, FLIGHTS, command, delays, files, flights, sum, text};

const KILLS_MIN: u32 = 5;

/// A bucket of a server, and a bench whose directory is elsewhere.
struct Bucket {
    server: ObjectStore,
    bench: Bench,
}

impl Bucket {
    fn new() -> Option<Self> {
        Some(Self { server: ObjectStore::moto()?, bench: Bench::new() })
    }

    fn url(prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = command(arguments);
        command.envs(self.server.environment());
        command
    }

    fn alluvium<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Done {
        self.command(arguments).output().expect("the command starts").into()
    }

    /// Runs a command that must succeed; gives what it printed.
    #[track_caller]
    fn ok<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let done = self.alluvium(arguments);
        assert_eq!(done.code, Some(0), "out: {}\nerr: {}", done.out, done.err);
        done.out
    }

    /// Runs a command that must fail with an error that says all of `words`.
    #[track_caller]
    fn fails<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, words: &[&str]) {
        let done = self.alluvium(arguments);
        assert_eq!(done.code, Some(2), "out: {}\nerr: {}", done.out, done.err);
        for word in words {
            assert!(done.err.contains(word), "{word:?} is missing in: {}", done.err);
        }
    }

    /// The arguments of a run over the flights with its state at an address.
    fn run_at(url: &str, more: &[&str]) -> Vec<String> {
        let (plugin, input) = (text(&delays()), text(&flights()));
        let fixed = ["run", &plugin, "--engine", "native", "--dir", url, "--input", &input];
        fixed.iter().chain(more).map(|&argument| argument.to_owned()).collect()
    }
}

/// Runs until some checkpoints are reported, and kills it. Returns whether it came to its end before that.
fn live_and_die(bucket: &Bucket, url: &str, checkpoints: u32) -> bool {
    let arguments = Bucket::run_at(url, &["--checkpoint-every", "1000", "--max-retained", "4", "--json"]);
    let mut child = bucket.command(arguments);
    let mut child = child.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
    let (mut seen, mut line) = (0, String::new());
    while seen < checkpoints && err.read_line(&mut line).expect("it reads") > 0 {
        seen += u32::from(line.contains("\"checkpoint\""));
        line.clear();
    }
    child.kill().expect("a signal");
    let mut rest = String::new();
    err.read_to_string(&mut rest).expect("it reads");
    let status = child.wait().expect("it ends");
    assert!(status.code().is_none_or(|code| code == 0), "neither killed nor done: {rest}");
    status.success()
}

#[test]
fn a_killed_run_continues_and_ends_as_one_in_a_directory() {
    let Some(bucket) = Bucket::new() else { return };
    let more = ["--checkpoint-every", "1000", "--max-retained", "4"];
    let local = text(&bucket.bench.dir());
    let results = bucket.ok(Bucket::run_at(&local, &more));
    let expected = bucket.ok(["dump", &local]);
    assert_eq!(sum(&expected, "flights"), FLIGHTS);

    let url = Bucket::url("killed/run");
    let mut kills = 0;
    for checkpoints in [0, 1, 3, 2, 4, 1] {
        kills += u32::from(!live_and_die(&bucket, &url, checkpoints));
        let listed = bucket.alluvium(["list", &url]);
        assert!(matches!(listed.code, Some(0 | 1)), "{}", listed.err);
    }
    assert!(kills >= KILLS_MIN, "only {kills} kills");
    assert!(bucket.ok(Bucket::run_at(&url, &more)) == results, "other results after {kills} kills");
    assert!(bucket.ok(["dump", &url]) == expected, "another state after {kills} kills");
    assert!(bucket.ok(["verify", &url]).contains("whole: 4 checkpoints"));
}

#[test]
fn each_command_takes_an_address() {
    let Some(bucket) = Bucket::new() else { return };
    let (url, local) = (Bucket::url("run"), text(&bucket.bench.dir()));
    let some = ["--checkpoint-every", "500", "--max-retained", "10", "--stop-after", "1500"];
    let listed = bucket.alluvium(["list", &url]);
    assert_eq!((listed.code, listed.out.as_str()), (Some(1), ""), "{}", listed.err);
    bucket.ok(Bucket::run_at(&url, &some));
    bucket.ok(Bucket::run_at(&local, &some));

    // The same bytes are at both places, so the same is printed. Dates and the id of the store differ.
    for verb in ["dump", "top"] {
        assert_eq!(bucket.ok([verb, &url]), bucket.ok([verb, &local]), "{verb}");
    }
    assert_eq!(bucket.ok(["diff", &url, "1", "2"]), bucket.ok(["diff", &local, "1", "2"]));
    let listed: Value = serde_json::from_str(&bucket.ok(["list", &url, "--json"])).expect("a JSON array");
    assert_eq!(listed.as_array().expect("an array").len(), 3);
    assert!(bucket.ok(["show", &url, "2"]).contains("checkpoint     2"));
    assert!(bucket.ok(["watch", &url, "--count", "1"]).contains("checkpoint 3"));
    assert!(bucket.ok(["gc", &url, "--dry-run"]).contains("0 of "));

    // What changes.
    assert!(bucket.ok(["restore", &url, "2"]).contains("checkpoint 4 is checkpoint 2 again"));
    bucket.ok(["keep", &url, "1"]);
    bucket.ok(["release", &url, "1"]);
    bucket.ok(["delete", &url, "1"]);
    bucket.ok(["gc", &url]);
    bucket.ok(["migrate", &url]);
    assert!(bucket.ok(["verify", &url]).contains("whole: "));

    // One checkpoint as one file, in LaminarDB's form too.
    let (one, again) = (text(&bucket.bench.path("one.tar")), text(&bucket.bench.path("again.tar")));
    let imported = Bucket::url("imported");
    bucket.ok(["export", &url, &one]);
    bucket.ok(["import", &one, &imported]);
    bucket.ok(["export", &imported, &again]);
    assert!(std::fs::read(&one).expect("it reads") == std::fs::read(&again).expect("it reads"));
    let laminardb = Bucket::url("laminardb");
    bucket.ok(["export", "--format", "laminardb", &url, &laminardb]);
    bucket.ok(["import", "--format", "laminardb", &laminardb, &Bucket::url("back")]);
    assert_eq!(bucket.ok(["dump", &Bucket::url("back")]), bucket.ok(["dump", &url]));
    bucket.fails(["import", &one, &imported], &["is not empty", "name a new directory"]);
}

#[test]
fn a_backup_goes_to_a_bucket_and_back() {
    let Some(bucket) = Bucket::new() else { return };
    let (local, back) = (text(&bucket.bench.dir()), text(&bucket.bench.path("back")));
    let url = Bucket::url("backups/run");
    bucket.ok(Bucket::run_at(&local, &["--checkpoint-every", "1000", "--stop-after", "5500"]));
    assert!(bucket.ok(["backup", &local, &url]).contains(&format!("to {url}: checkpoint 6")));
    let again: Value = serde_json::from_str(&bucket.ok(["backup", &local, &url, "--json"])).expect("a JSON object");
    assert_eq!(again["copied_files"], 0, "{again}");
    assert!(bucket.ok(["backup", "--verify", &local, &url]).contains("holds nothing newer"));
    bucket.ok(["backup", &url, &back]);
    assert_eq!(bucket.ok(["dump", &back]), bucket.ok(["dump", &local]));
    let digests = |place: &str| -> Vec<Value> {
        let listed: Vec<Value> = serde_json::from_str(&bucket.ok(["list", place, "--json"])).expect("a JSON array");
        listed.iter().map(|checkpoint| checkpoint["alluvium"]["state_digest"].clone()).collect()
    };
    assert!(digests(&local).iter().all(Value::is_string), "{:?}", digests(&local));
    assert_eq!(digests(&back), digests(&local));
    assert_eq!(digests(&url), digests(&local));
    let other = Bucket::url("backups/run/within");
    bucket.fails(["backup", &url, &other], &["is in the same place as"]);
    // A run continues from what came back.
    bucket.ok(Bucket::run_at(&back, &["--checkpoint-every", "1000", "--stop-after", "500"]));
}

#[test]
fn what_needs_a_directory_says_so() {
    let Some(bucket) = Bucket::new() else { return };
    let url = Bucket::url("refused");
    let (plugin, input) = (text(&delays()), text(&flights()));
    let run = ["run", &plugin, "--dir", &url, "--input", &input];
    bucket.fails(run, &["the engine component keeps its files in a directory", "add --engine native"]);
    bucket.fails(Bucket::run_at(&url, &["--isolate"]), &["--isolate locks a process into a directory"]);
    bucket.fails(Bucket::run_at(&url, &["--migrate", "--dry-run"]), &["tried out on a copy", "alluvium backup"]);
    bucket.fails(["list", "http://host/path"], &["checkpoints cannot be kept at such an address"]);
    bucket.fails(["list", "s3://missing/run"], &["the bucket or container does not exist"]);
    bucket.fails(["list", "gs://bucket/run"], &["without the feature `gcp`"]);
    bucket.fails(["verify", "s3:///run"], &["the bucket is missing"]);
}

#[test]
fn a_store_that_ignores_conditions_is_refused() {
    let server = ObjectStore::s3rver();
    let url = Bucket::url("run");
    let done: Done = command(Bucket::run_at(&url, &["--stop-after", "1000"]))
        .envs(server.environment())
        .output()
        .expect("the command starts")
        .into();
    assert_eq!(done.code, Some(2), "{}", done.err);
    for word in ["a second creation of the same name succeeded", "use a store that keeps `If-None-Match`"] {
        assert!(done.err.contains(word), "{}", done.err);
    }
}

#[test]
fn an_address_of_a_file_is_a_directory() {
    let bench = Bench::with_checkpoints();
    let before = files(&bench.dir());
    let url = format!("file://{}", bench.dir_text());
    let listed: Done = command(["list", &url]).output().expect("the command starts").into();
    let expected: Done = command(bench.over_dir("list", &[])).output().expect("the command starts").into();
    assert_eq!((listed.code, listed.out), (Some(0), expected.out));
    assert_eq!(files(&bench.dir()), before);
}
