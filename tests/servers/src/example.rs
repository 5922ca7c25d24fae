//! The examples of the connectors, which cargo builds with their tests. `streams` counts records by their first
//! word, and is killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Returns the number in a variable of the environment.
pub fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: {text:?}")))
}

/// Returns the path of an example, for a test of the connectors.
pub fn path(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().and_then(Path::parent).unwrap().join("examples").join(name)
}

/// Starts the example from one address to another, with its state in the directory.
pub fn start(input: &str, directory: &Path, output: &str) -> Child {
    let program = path("streams");
    let mut command = Command::new(&program);
    command.arg(input).arg(directory.join("state")).arg(output);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| {
        panic!("{} ({error}): cargo build -p alluvium-connectors --all-features --example streams", program.display())
    })
}

/// Kills the program, which must not have ended by itself.
pub fn kill(mut program: Child) {
    let ended = program.try_wait().unwrap();
    program.kill().unwrap();
    let output = program.wait_with_output().unwrap();
    assert!(ended.is_none(), "the program ended by itself: {}", String::from_utf8_lossy(&output.stderr));
}

/// The lines that a count by hand gives.
pub fn expected(records: &[String]) -> Vec<String> {
    let mut counts = BTreeMap::new();
    let line = |record: &String| {
        let word = record.split(' ').next().unwrap().to_owned();
        let count = counts.entry(word.clone()).and_modify(|count| *count += 1).or_insert(1);
        format!("{word} {count}")
    };
    records.iter().map(line).collect()
}
