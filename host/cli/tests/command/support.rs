//! Running the command, and what it runs on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The month of flights.
pub(crate) fn flights() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/flights-2013-01.csv.gz")
}

/// Its rows.
pub(crate) const FLIGHTS: u64 = 27_004;

/// A directory that LaminarDB wrote.
pub(crate) fn laminardb(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/laminar").join(name)
}

/// A directory that an earlier build of this version wrote.
pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v3").join(name)
}

pub(crate) fn engine() -> PathBuf {
    component("ALLUVIUM_ENGINE", "alluvium_wasm.wasm")
}

pub(crate) fn delays() -> PathBuf {
    component("ALLUVIUM_DELAYS", "delays.wasm")
}

pub(crate) fn alerts() -> PathBuf {
    component("ALLUVIUM_ALERTS", "alerts.wasm")
}

pub(crate) fn component(variable: &str, file: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_alluvium")).with_file_name("../wasm32-wasip2/release").join(file);
    let path = std::env::var_os(variable).map_or(built, PathBuf::from);
    assert!(path.is_file(), "{} is not there: `make components` builds it, {variable} names another", path.display());
    path
}

/// The command with the engine that is tested, and a cache of compiled components of the tests' own.
pub(crate) fn command<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alluvium"));
    command
        .args(arguments)
        .env("ALLUVIUM_ENGINE", engine())
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .stdin(Stdio::null());
    command
}

/// What a finished command left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub(crate) fn alluvium<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Done {
    command(arguments).output().expect("the command starts").into()
}

/// Runs a command that must succeed; gives what it printed.
#[track_caller]
pub(crate) fn ok<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> String {
    let done = alluvium(arguments);
    assert_eq!(done.code, Some(0), "out: {}\nerr: {}", done.out, done.err);
    done.out
}

/// Runs a command that must fail with an error that says all of `words`, and that changes nothing in
/// `directory`.
#[track_caller]
pub(crate) fn fails<A: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = A>,
    directory: &Path,
    words: &[&str],
) -> Done {
    let before = files(directory);
    let done = alluvium(arguments);
    assert_eq!(done.code, Some(2), "out: {}\nerr: {}", done.out, done.err);
    let message = done.err.lines().skip_while(|line| !line.starts_with("error: ")).collect::<Vec<_>>().join("\n");
    for word in words {
        assert!(message.contains(word), "{word:?} is missing in: {}", done.err);
    }
    assert_eq!(files(directory), before, "an error must leave the directory as it was");
    done
}

/// Every file below a directory with its content, but for the lock.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else { continue };
        for entry in entries {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                waiting.push(entry.path());
            } else if entry.file_name() != ".lock" {
                found.insert(entry.path(), fs::read(entry.path()).expect("it reads"));
            }
        }
    }
    found
}

/// A place for one test: input, output and a directory of checkpoints in a temporary directory.
pub(crate) struct Bench {
    pub(crate) scratch: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { scratch: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// The directory of the checkpoints.
    pub(crate) fn dir(&self) -> PathBuf {
        self.path("run")
    }

    pub(crate) fn dir_text(&self) -> String {
        text(&self.dir())
    }

    /// The arguments of a run of the plugin over the flights in this bench's directory.
    pub(crate) fn run_arguments(&self, more: &[&str]) -> Vec<String> {
        self.run_over(&flights(), more)
    }

    pub(crate) fn run_over(&self, input: &Path, more: &[&str]) -> Vec<String> {
        let (plugin, dir, input) = (text(&delays()), self.dir_text(), text(input));
        let fixed = ["run", &plugin, "--dir", &dir, "--input", &input];
        fixed.iter().chain(more).map(|&argument| argument.to_owned()).collect()
    }

    /// A command over this bench's directory: `verb DIR more…`.
    pub(crate) fn over_dir(&self, verb: &str, more: &[&str]) -> Vec<String> {
        let mut arguments = vec![verb.to_owned(), self.dir_text()];
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        arguments
    }

    /// A directory with a few checkpoints of a few records.
    #[track_caller]
    pub(crate) fn with_checkpoints() -> Self {
        let bench = Self::new();
        let every = ["--checkpoint-every", "500", "--max-retained", "10", "--stop-after", "1500"];
        ok(bench.run_arguments(&every));
        bench
    }

    pub(crate) fn dump(&self) -> String {
        ok(self.over_dir("dump", &[]))
    }

    /// Nothing is damaged; gives the summary.
    #[track_caller]
    pub(crate) fn assert_whole(&self) -> String {
        let found = ok(self.over_dir("verify", &[]));
        let summary = found.lines().last().expect("a summary").to_owned();
        assert!(summary.starts_with("whole: "), "{found}");
        summary
    }

    /// The checkpoints as `list --json` tells, newest first.
    pub(crate) fn list(&self) -> Vec<Value> {
        serde_json::from_str(&ok(self.over_dir("list", &["--json"]))).expect("a JSON array")
    }

    pub(crate) fn ids(&self) -> Vec<u64> {
        self.list().iter().map(|checkpoint| checkpoint["id"].as_u64().expect("an id")).collect()
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("a path of text").to_owned()
}

/// The sum of one number over the values of a dump.
pub(crate) fn sum(dump: &str, member: &str) -> u64 {
    let number = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("a JSON line");
        entry["value"][member].as_u64().expect("a number")
    };
    dump.lines().map(number).sum()
}

/// The first rows of the flights, as text.
pub(crate) fn some_rows(count: usize) -> String {
    let file = fs::File::open(flights()).expect("the flights");
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).expect("it unpacks");
    text.split_inclusive('\n').take(count + 1).collect()
}

/// Whether this test may mount file systems; says loudly when it may not.
pub(crate) fn may_mount(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("SKIPPED: {test} needs root to mount a file system");
    }
    is_root
}

/// A small file system of its own, for as long as this lives.
pub(crate) struct Mounted {
    at: PathBuf,
}

impl Mounted {
    pub(crate) fn tmpfs(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).expect("a mount point");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(at).status();
        if !status.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: a tmpfs cannot be mounted here");
            return None;
        }
        Some(Self { at: at.to_owned() })
    }

    pub(crate) fn remount(&self, options: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.at).status();
        assert!(status.is_ok_and(|status| status.success()), "remount {options}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.at).status();
    }
}
