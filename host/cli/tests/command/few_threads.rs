//! Where the system refuses to start processes and threads, every command ends with an error that says so.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Bench, Done, delays, engine, flights};

/// A refusal is told within this time, also on a busy machine.
const PROMPT: Duration = Duration::from_mins(1);

/// A user of these tests alone: the limit counts what all processes of a user have.
const USER: u32 = 50_771;

/// Where nothing compiled is kept.
const NO_CACHE: &str = "/nonexistent";

/// Runs a plugin with so many processes and threads at most. Returns `None` if it did not end in time.
fn run(bench: &Bench, most: u32, cache: &Path, more: &[&str]) -> Option<Done> {
    let mut command = Command::new("prlimit");
    command
        .arg(format!("--nproc={most}"))
        .args([env!("CARGO_BIN_EXE_alluvium"), "run"])
        .arg(delays())
        .arg("--dir")
        .arg(bench.dir())
        .args(["--stop-after", "1000", "--no-results"])
        .args(more)
        .env("ALLUVIUM_ENGINE", engine())
        .env("XDG_CACHE_HOME", cache)
        .uid(USER)
        .gid(USER)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("prlimit starts");
    let begun = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if begun.elapsed() > PROMPT {
            child.kill().expect("a signal");
            child.wait().expect("it ends");
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Some(child.wait_with_output().expect("its output").into())
}

/// Runs with more and more threads, until there are enough. Returns how many that are.
fn until_enough(cache: &Path, more: &[&str]) -> u32 {
    for most in 1..200 {
        let bench = Bench::new();
        std::fs::set_permissions(bench.scratch.path(), std::fs::Permissions::from_mode(0o777)).expect("permissions");
        let done = run(&bench, most, cache, more).unwrap_or_else(|| panic!("{most} threads: it hangs"));
        if done.code == Some(0) {
            return most;
        }
        assert_eq!(done.code, Some(2), "{most} threads: {done:?}");
        assert!(done.err.contains("cannot be started: Resource temporarily unavailable"), "{most} threads: {done:?}");
        assert!(done.err.contains("ulimit -u"), "{most} threads: {done:?}");
        assert!(!done.err.contains("panicked"), "{most} threads: {done:?}");
    }
    panic!("200 threads are not enough");
}

#[test]
fn every_refusal_is_an_error_that_says_so() {
    let has_prlimit = Command::new("prlimit").arg("--version").output().is_ok();
    if !rustix::process::geteuid().is_root() || !has_prlimit {
        eprintln!("SKIPPED: only root can run the command as a user without other processes, with prlimit");
        return;
    }
    let input = flights();
    let input = input.to_str().expect("text");
    let plain = until_enough(Path::new(NO_CACHE), &["--input", input]);
    // Other threads are refused as well where nothing is to be compiled.
    let cache = tempfile::tempdir().expect("a temporary directory");
    std::os::unix::fs::chown(cache.path(), Some(USER), Some(USER)).expect("an owner");
    let cached = until_enough(cache.path(), &["--input", input]);
    let listening = until_enough(cache.path(), &["--input", input, "--listen", "127.0.0.1:0"]);
    let isolated = until_enough(cache.path(), &["--input", input, "--isolate"]);
    eprintln!("enough: {plain}, compiled before {cached}, with a status page {listening}, isolated {isolated}");
    assert!(plain > 2, "{plain}: the limit has no effect here");
}
