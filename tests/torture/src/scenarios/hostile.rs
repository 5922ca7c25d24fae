//! Scenarios 12 and 13: metadata made to hurt, and names that are no regular files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::{Directory, EntryKind, NewFile, block_on};
use alluvium_test_harness::allocation::largest_block;
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::hostile::{METADATA, NAMES_THAT_LEAD_ELSEWHERE, bounded, refused, sealed};
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Files, keep, open_with, options, store};

/// Every forgery, with what it is.
fn forgeries() -> Vec<(String, Files)> {
    let golden = Golden::named("small");
    let json = String::from_utf8_lossy(&golden.files[METADATA]).into_owned();
    let segment = golden.files.keys().find(|path| path.starts_with("segments/")).cloned().unwrap_or_default();
    let mut forged = Vec::new();
    let mut add = |what: String, json: &str| {
        let mut files = golden.files.clone();
        files.insert(METADATA.into(), sealed(json));
        forged.push((what, files));
    };
    let numbers = ["9223372036854775808", "18446744073709551615", "18446744073709551616", "-1", "1e300", "4294967295"];
    for name in
        ["\"key_count\": ", "\"state_bytes\": ", "\"bytes\":", "\"chunks\":", "\"key_groups\": ", "\"version\": "]
    {
        for at in json.match_indices(name).map(|(at, _)| at + name.len()) {
            let end = at + json[at..].find([',', '\n', '}', ' ']).unwrap_or_default();
            for number in numbers {
                add(format!("{name}{number}"), &format!("{}{number}{}", &json[..at], &json[end..]));
            }
        }
    }
    for path in NAMES_THAT_LEAD_ELSEWHERE {
        add(format!("a segment called {path:?}"), &json.replace(&segment, path));
    }
    let deep = [("[", "]"), ("{\"a\":", "}")]
        .map(|(open, close)| format!("{}1{}", open.repeat(1_000_000), close.repeat(1_000_000)));
    for deep in deep {
        forged.push(("JSON a million deep".into(), Files::from([(METADATA.to_string(), deep.into_bytes())])));
    }
    for content in [&b""[..], b"{}", b"[]", b"null", b"\0\0\0\0", b"\xff\xfe", b"{\"id\":1}", &[b' '; 4096]] {
        forged.push((format!("{content:?}"), Files::from([(METADATA.to_string(), content.to_vec())])));
    }
    forged
}

/// Scenario 12: forged metadata is refused.
pub fn hostile_metadata(budget: Budget) -> Tally {
    let mut tally = Tally::new(12, "hostile metadata", "directories");
    let forgeries = forgeries();
    for (cases, at) in (0..).zip(budget.order(forgeries.len() as u64).iter()) {
        if !budget.allows(cases) {
            break;
        }
        let (what, files) = &forgeries[at as usize];
        // In memory for the bounds, on a real disk for what is opened.
        tally.note(guarded(|| refused(files.clone()).map(drop)).map_err(|why| format!("{what}: {why}")));
        tally.note(guarded(|| refused_natively(files)).map_err(|why| format!("{what}, natively: {why}")));
    }
    tally
}

fn refused_natively(files: &Files) -> Result<(), String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    store(scratch.path(), files);
    let directory = Arc::new(NativeDirectory::open(scratch.path()).map_err(|error| error.to_string())?);
    match bounded("opening", || open_with(&directory, keep(1), options()).map(drop))? {
        Ok(()) => Err("it opened".into()),
        // The contents of /etc/passwd must not be in the error either.
        Err(error) if error.to_string().contains("root:") => Err(format!("it tells: {error}")),
        Err(_) => Ok(()),
    }
}

/// Lengths that a caller of the directory may ask for, natively: checked before memory is taken.
pub fn hostile_ranges(_budget: Budget) -> Tally {
    let mut tally = Tally::new(12, "hostile lengths and ranges, natively", "reads");
    let Ok(scratch) = tempfile::tempdir() else { return tally.skip("no scratch directory") };
    let directory = match NativeDirectory::open(scratch.path()) {
        Ok(directory) => directory,
        Err(error) => return tally.skip(error.to_string()),
    };
    let batch = vec![NewFile { path: "f".into(), content: vec![7; 100] }];
    if let Err(error) = block_on(directory.create(batch)) {
        tally.note(Err(error.to_string()));
    }
    for length in [101, 1 << 20, 1 << 30, 1 << 34, 1 << 40, 1 << 63, usize::MAX] {
        for offset in [0, 1, 99, 100, 1 << 40, 1 << 63, u64::MAX] {
            let (outcome, largest) =
                largest_block(|| block_on(directory.read_range("f", offset, length)).map(|b| b.len()));
            tally.note(match outcome {
                Ok(bytes) => Err(format!("{length} bytes at {offset} gave {bytes}")),
                Err(_) if largest > 1 << 20 => Err(format!("{length} at {offset}: {largest} bytes were asked for")),
                Err(_) => Ok(()),
            });
        }
    }
    tally
}

/// A name for every kind of thing that is no regular file of this directory alone.
fn odd(root: &Path, path: &str, kind: &str, outside: &Path) -> std::io::Result<()> {
    let at = root.join(path);
    if let Some(above) = at.parent() {
        fs::create_dir_all(above)?;
    }
    match kind {
        "symlink to a file outside" => symlink(outside.join("secret"), at),
        "symlink to a file inside" => symlink(root.join("plain"), at),
        "dangling symlink" => symlink("nowhere", at),
        "fifo" => rustix::fs::mknodat(rustix::fs::CWD, at, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .map_err(Into::into),
        "device" => {
            let null = rustix::fs::makedev(1, 3);
            rustix::fs::mknodat(
                rustix::fs::CWD,
                at,
                rustix::fs::FileType::CharacterDevice,
                rustix::fs::Mode::RWXU,
                null,
            )
            .map_err(Into::into)
        }
        "socket" => std::os::unix::net::UnixListener::bind(at).map(drop),
        _ => fs::create_dir(at),
    }
}

const KINDS: [&str; 7] = [
    "symlink to a file outside",
    "symlink to a file inside",
    "dangling symlink",
    "fifo",
    "device",
    "socket",
    "directory",
];

/// Scenario 13: in place of every file of a directory, something that is no regular file.
pub fn odd_files(budget: Budget) -> Tally {
    let mut tally = Tally::new(13, "symlink, FIFO, device, socket in place of a file", "directories");
    let golden = Golden::named("deltas");
    let paths: Vec<&String> = golden.files.keys().collect();
    for (cases, at) in (0..).zip(budget.order((paths.len() * KINDS.len()) as u64).iter()) {
        if !budget.allows(cases) {
            return tally;
        }
        let (path, kind) = (paths[at as usize / KINDS.len()], KINDS[at as usize % KINDS.len()]);
        match guarded(|| odd_file(&golden, path, kind)) {
            Err(what) if what.starts_with("cannot make") => {
                println!("{path} as {kind}: not tried: {what} (devices need root)");
            }
            outcome => tally.note(outcome.map_err(|what| format!("{path} as {kind}: {what}"))),
        }
    }
    for link in ["segments", "checkpoint_0000000000000005"] {
        tally.note(guarded(|| linked_directory(&golden, link)).map_err(|what| format!("{link} as a link: {what}")));
    }
    tally
}

fn odd_file(golden: &Golden, path: &str, kind: &str) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let scratch = tempfile::tempdir().map_err(told)?;
    let outside = tempfile::tempdir().map_err(told)?;
    // The link leads to the very bytes that are missing: following it would succeed.
    fs::write(outside.path().join("secret"), &golden.files[path]).map_err(told)?;
    let mut files = golden.files.clone();
    files.remove(path);
    files.insert("plain".into(), golden.files[path].clone());
    store(scratch.path(), &files);
    odd(scratch.path(), path, kind, outside.path()).map_err(|error| format!("cannot make it: {error}"))?;
    let directory = Arc::new(NativeDirectory::open_exclusive(scratch.path()).map_err(|error| error.to_string())?);
    if block_on(directory.read(path)).is_ok() {
        return Err("it was read".into());
    }
    let entries = block_on(directory.list()).map_err(|error| error.to_string())?;
    let kind_of = entries.iter().find(|entry| entry.path == path).map(|entry| entry.kind);
    if kind_of == Some(EntryKind::File) {
        return Err("it is listed as a file".into());
    }
    let id = golden.latest();
    let is_needed = path.starts_with("segments/") || path.contains(&format!("{id:016x}"));
    let opened = open_with(&directory, keep(1), options());
    if let Ok(mut manager) = opened {
        if is_needed && manager.latest_checkpoint_id() == Some(id) {
            return Err("the checkpoint that needs it came back".into());
        }
        // Tidying up must leave foreign files alone.
        let _ = block_on(manager.create_checkpoint(manager.wal_position()));
        let _ = block_on(manager.collect_garbage());
    }
    if kind != "directory" && scratch.path().join(path).symlink_metadata().is_err() {
        return Err("it was deleted".into());
    }
    let secret = fs::read(outside.path().join("secret")).map_err(told)?;
    if secret == golden.files[path] { Ok(()) } else { Err("what it leads to was changed".into()) }
}

/// A directory on the way that is a link: nothing is read, created or deleted behind it.
fn linked_directory(golden: &Golden, link: &str) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let (scratch, outside) = (tempfile::tempdir().map_err(told)?, tempfile::tempdir().map_err(told)?);
    store(scratch.path(), &golden.files);
    let target = outside.path().join("target");
    fs::create_dir(&target).map_err(told)?;
    for entry in fs::read_dir(scratch.path().join(link)).map_err(told)? {
        let entry = entry.map_err(told)?;
        fs::copy(entry.path(), target.join(entry.file_name())).map_err(told)?;
    }
    fs::remove_dir_all(scratch.path().join(link)).map_err(told)?;
    symlink(&target, scratch.path().join(link)).map_err(told)?;
    let names =
        || -> Vec<_> { fs::read_dir(&target).into_iter().flatten().flatten().map(|entry| entry.path()).collect() };
    let mut before = names();
    let directory = Arc::new(NativeDirectory::open_exclusive(scratch.path()).map_err(|error| error.to_string())?);
    if let Ok(mut manager) = open_with(&directory, keep(1), options()) {
        if manager.latest_checkpoint_id() == Some(golden.latest()) {
            return Err("the checkpoint behind it came back".into());
        }
        let _ = manager.put(b"one", b"more");
        let _ = block_on(manager.create_checkpoint(manager.wal_position()));
        let _ = block_on(manager.collect_garbage());
    }
    let mut after = names();
    before.sort();
    after.sort();
    if before == after { Ok(()) } else { Err("something changed behind it".into()) }
}
