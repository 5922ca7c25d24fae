//! Scenario 7: files of golden directories missing, and unknown and temporary files beside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, Node, Nodes, SimulatedDirectory, block_on};
use alluvium_test_harness::damage::{directories, never_wrong};
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Expected, keep, memory, open_with, options};

/// Names that Alluvium did not write, near misses among them.
const FOREIGN: [&str; 10] = [
    "notes.txt",
    "checkpoint_1/metadata.json",
    "checkpoint_0000000000000001/metadata.json.bak",
    "checkpoint_000000000000000G/metadata.json",
    "checkpoint_0000000000000001/deeper/metadata.json",
    "segments/0000000000000001.base.tmp",
    "segments/1.base",
    "segments/readme",
    "Segments/0000000000000001.base",
    "lost+found/#123",
];

/// Scenario 7: missing, duplicate, unknown and temporary files.
pub fn unknown_files(budget: Budget) -> Tally {
    let mut tally = Tally::new(7, "files missing, foreign and temporary", "directories");
    let directories = directories();
    let cases: Vec<(&Golden, Case<'_>)> = directories
        .iter()
        .flat_map(|(golden, paths)| {
            let missing = paths.iter().map(|path| Case::Missing(path));
            let foreign = FOREIGN.into_iter().map(Case::Foreign);
            missing.chain(foreign).chain([Case::Leftovers]).map(move |case| (golden, case))
        })
        .collect();
    for (done, at) in (0..).zip(budget.order(cases.len() as u64).iter()) {
        if !budget.allows(done) {
            break;
        }
        let (golden, case) = cases[at as usize];
        let outcome = guarded(|| case.check(golden));
        tally.note(outcome.map_err(|what| format!("{}, {case:?}: {what}", golden.name)));
    }
    tally
}

/// What is wrong with a golden directory.
#[derive(Debug, Clone, Copy)]
enum Case<'a> {
    /// This file is missing.
    Missing(&'a str),
    /// A file of this name is there, and somebody else's.
    Foreign(&'static str),
    /// A creation that was cut short left something behind.
    Leftovers,
}

impl Case<'_> {
    fn check(self, golden: &Golden) -> Result<(), String> {
        match self {
            Self::Missing(path) => {
                let mut files = golden.files.clone();
                files.remove(path);
                never_wrong(golden, &files)
            }
            Self::Foreign(path) => stays(golden, path),
            Self::Leftovers => leftovers_go(golden),
        }
    }
}

/// A foreign file changes nothing, and it is still there after everything was tidied up.
fn stays(golden: &Golden, foreign: &str) -> Result<(), String> {
    let mut files = golden.files.clone();
    files.insert(foreign.into(), b"somebody else's".to_vec());
    let directory: Arc<MemoryDirectory> = memory(files);
    let mut manager = open_with(&directory, keep(1), options()).map_err(|error| error.to_string())?;
    if Expected::of(&manager) != *golden.expected(golden.latest(), golden.logged.len()) {
        return Err("it changed what came back".into());
    }
    manager.put(b"one", b"more").map_err(|error| error.to_string())?;
    let tidy = async {
        manager.create_checkpoint(manager.wal_position()).await?;
        manager.cleanup_old_checkpoints().await?;
        manager.collect_garbage().await
    };
    let report = block_on(tidy).map_err(|error| error.to_string())?;
    if report.files.iter().any(|file| file.path == foreign && !file.keep) {
        return Err("garbage collection wants it gone".into());
    }
    match directory.to_files().get(foreign).map(Vec::as_slice) {
        Some(b"somebody else's") => Ok(()),
        other => Err(format!("it is {other:?} now")),
    }
}

/// What a creation that was cut short left behind is listed, ignored and in the end deleted.
fn leftovers_go(golden: &Golden) -> Result<(), String> {
    let mut nodes: Nodes =
        golden.files.iter().map(|(path, content)| (path.clone(), Node::File(content.clone()))).collect();
    let leftovers = BTreeMap::from([
        (".tmp-1".to_string(), Node::Temporary(b"half".to_vec())),
        ("segments/.tmp-2".to_string(), Node::Temporary(Vec::new())),
        ("segments/00000000deadbeef.delta".to_string(), Node::File(b"left by a crash".to_vec())),
        ("checkpoint_00000000000000ff".to_string(), Node::EmptyDirectory),
        ("pipe".to_string(), Node::Other),
    ]);
    nodes.extend(leftovers.clone());
    let directory = Arc::new(SimulatedDirectory::from_nodes(1, nodes));
    let mut manager = open_with(&directory, keep(10), options()).map_err(|error| error.to_string())?;
    if Expected::of(&manager) != *golden.expected(golden.latest(), golden.logged.len()) {
        return Err("leftovers changed what came back".into());
    }
    let metadata = block_on(manager.create_checkpoint(manager.wal_position())).map_err(|error| error.to_string())?;
    if metadata.id <= 0xff {
        return Err(format!("id {} was given again: 255 has left a trace", metadata.id));
    }
    block_on(manager.collect_garbage()).map_err(|error| error.to_string())?;
    let left = directory.to_nodes();
    let stale: Vec<&String> = leftovers.keys().filter(|path| *path != "pipe" && left.contains_key(*path)).collect();
    if !stale.is_empty() || !left.contains_key("pipe") {
        return Err(format!("still there: {stale:?}; the pipe: {}", left.contains_key("pipe")));
    }
    Ok(())
}
