//! The directory as the host sees it: what the component leaves alone, and in which order it asks the
//! kernel to write, sync and name.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use alluvium_test_harness::power_failure::Recorded;
use alluvium_test_harness::{Tmpfs, has_strace, load, skipped};

use crate::recorded::{self, Record};
use crate::support::{Error, Severity, engine, options};

/// Opening a pipe would block, and links would lead out of the directory.
#[test]
fn links_and_pipes_are_reported_and_never_opened() {
    let (scratch, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret"), b"secret").unwrap();
    let at = |name: &str| scratch.path().join(name);
    fs::create_dir(at("segments")).unwrap();
    symlink(outside.path().join("secret"), at("segments/0000000000000001.base")).unwrap();
    symlink(outside.path(), at("checkpoint_0000000000000001")).unwrap();
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();

    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    engine.put(manager, b"key", b"value").unwrap();
    // Whether names are in the way is core's to decide; nothing is written through them.
    let _ = engine.checkpoint(manager);
    let report = engine.on(manager, |m, s, this| m.call_verify(s, this)).unwrap();
    let pipe = report.findings.iter().find(|finding| finding.path == "pipe").expect("it is listed");
    assert_eq!(pipe.severity, Severity::Foreign);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    assert!(fs::symlink_metadata(at("segments/0000000000000001.base")).unwrap().is_symlink());
}

/// A sync of each would take seconds.
#[test]
fn too_many_partial_checkpoints_are_refused_before_one_is_synced() {
    let scratch = tempfile::tempdir().unwrap();
    let partial = |id: u32| scratch.path().join(format!("checkpoint_{id:016x}"));
    for id in 1..=1_025 {
        fs::create_dir(partial(id)).unwrap();
    }
    let opened = || {
        let record = Record::default();
        let opened = recorded::engine(scratch.path(), &record).open(&options());
        let is_synced = |call: &Recorded| matches!(call, Recorded::SyncDirectory(path) if path.contains("checkpoint_"));
        (opened.map(drop), record.calls().iter().filter(|call| is_synced(call)).count())
    };
    let (refused, synced) = opened();
    let Err(Error::InvalidInput(why)) = &refused else { panic!("{refused:?}") };
    assert!(why.contains("more than 1024 partial checkpoints"), "{why}");
    assert_eq!(synced, 0);
    fs::remove_dir(partial(1)).unwrap();
    assert_eq!(opened().1, 1_024, "so many are synced");
}

/// Needs root for the small file system; says so when it is left out.
#[test]
fn a_full_disk_leaves_the_checkpoints_before_it() {
    let scratch = match Tmpfs::mount("size=2m") {
        Ok(scratch) => scratch,
        Err(why) => return skipped("a_full_disk_leaves_the_checkpoints_before_it", &why),
    };
    let mut writer = engine(scratch.path());
    let manager = writer.open(&options()).unwrap();
    writer.put(manager, b"small", b"kept").unwrap();
    writer.checkpoint(manager).unwrap();
    let before = load(scratch.path());
    writer.put(manager, b"large", &vec![7; 4 << 20]).unwrap();
    let refused = writer.checkpoint(manager);
    assert!(matches!(refused, Err(Error::NoSpace(_))), "{refused:?}");
    let refused = writer.checkpoint(manager);
    assert!(matches!(refused, Err(Error::Reopen(_))), "{refused:?}");
    drop(writer);

    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    assert_eq!(engine.get(manager, b"small"), Some(b"kept".to_vec()));
    assert_eq!(engine.get(manager, b"large"), None);
    assert_eq!(load(scratch.path()), before, "and nothing of the failed one is left");
    engine.put(manager, b"more", b"x").unwrap();
    engine.checkpoint(manager).expect("there is space again");
}

/// What [`the_commit_is_named_after_everything_it_needs_is_durable`] runs under strace.
#[test]
#[ignore = "run by another test, under strace"]
fn one_checkpoint() {
    let directory = std::env::var_os("ALLUVIUM_TRACED").expect("the directory to write to");
    let mut engine = engine(Path::new(&directory));
    let manager = engine.open(&options()).unwrap();
    engine.put(manager, b"key", b"value").unwrap();
    engine.checkpoint(manager).unwrap();
}

/// One line of the trace: the system call, and the files that it names.
fn calls(trace: &str) -> Vec<(String, String)> {
    let call = |line: &str| {
        let (name, arguments) = line.split_once(' ').map_or(line, |(_, call)| call.trim_start()).split_once('(')?;
        arguments.contains(" = 0").then(|| (name.to_owned(), arguments.to_owned()))
    };
    trace.lines().filter_map(call).collect()
}

/// Bytes, then the segment's name, then its directory, then the commit, then its directory: seen from
/// the kernel, where a sync that is left out cannot hide.
#[test]
fn the_commit_is_named_after_everything_it_needs_is_durable() {
    if !has_strace() {
        let test = "the_commit_is_named_after_everything_it_needs_is_durable";
        return skipped(test, "strace is missing or not allowed");
    }
    let scratch = tempfile::tempdir().unwrap();
    let (directory, trace) = (scratch.path().join("data"), scratch.path().join("trace"));
    fs::create_dir(&directory).unwrap();
    let status = Command::new("strace")
        .args(["-f", "-y", "-qq", "-e", "trace=fsync,fdatasync,linkat,rename,renameat,renameat2", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "storage::one_checkpoint"].map(OsStr::new))
        .env("ALLUVIUM_TRACED", &directory)
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    let trace = fs::read_to_string(&trace).unwrap();
    let calls = calls(&trace);
    let (segments, commit) = (directory.join("segments"), directory.join("checkpoint_0000000000000001"));
    let position = |what: &str, is: &dyn Fn(&str, &str) -> bool| {
        let found = calls.iter().position(|(name, arguments)| is(name, arguments));
        found.unwrap_or_else(|| panic!("{what} is missing from\n{trace}"))
    };
    let holds = |arguments: &str, path: &Path| arguments.contains(&format!("<{}>", path.display()));
    let named = |file: &str| {
        let quoted = format!("\"{file}\"");
        position(file, &|name, arguments| name == "linkat" && arguments.contains(&quoted))
    };
    let segment = calls.iter().position(|(name, arguments)| name == "linkat" && holds(arguments, &segments));
    let segment = segment.unwrap_or_else(|| panic!("no segment is named in\n{trace}"));
    let metadata = named("metadata.json");
    let last_bytes = calls[..metadata].iter().rposition(|(name, arguments)| {
        name == "fdatasync" && (arguments.contains("segments/.tmp-") || arguments.contains("0001/.tmp-"))
    });
    let synced = |path: &Path, from: usize| {
        let found = calls[from..].iter().position(|(name, arguments)| name == "fsync" && holds(arguments, path));
        from + found.unwrap_or_else(|| panic!("{} is not synced after call {from} of\n{trace}", path.display()))
    };
    assert!(last_bytes.is_some_and(|bytes| bytes < segment), "bytes are durable before their names are given\n{trace}");
    assert!(synced(&segments, segment) < metadata, "the segment's name is durable before the commit\n{trace}");
    assert!(synced(&directory, last_bytes.unwrap_or(0)) < metadata, "so are the names of new directories\n{trace}");
    let committed = synced(&commit, metadata);
    assert!(committed > metadata, "and then the commit itself\n{trace}");
    assert!(!calls.iter().any(|(name, _)| name.starts_with("rename")), "nothing may be replaced\n{trace}");
}
