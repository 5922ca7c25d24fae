//! Scenario 18: every decoder over mutated bytes, and whole directories of them. The same targets are
//! fuzzed with coverage under `tests/fuzz/`; these run everywhere.

use std::path::Path;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::format::laminar_snapshot::decode_state_snapshot;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::verify::verify;
use alluvium_core::{Columns, IncrementalCheckpointMetadata, archive, gc, tools::inspect};
use alluvium_test_harness::allocation::largest_block;
use alluvium_test_harness::golden::all;
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Files, fixture, keep, memory, open_with, options};

/// Beyond the bytes that it was given, no decoder asks for more than this at once.
const BLOCK_BYTES_MAX: usize = 16 << 20;

/// What is decoded, and from what.
struct Target {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    decode: fn(&[u8]),
}

/// Reads metadata.
pub fn metadata(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(metadata) = IncrementalCheckpointMetadata::from_json(text)
        && metadata.alluvium.is_some()
    {
        // What is read is written as it was, or the checksum over it would mean nothing.
        let again = metadata.to_json().expect("what was read can be written");
        assert_eq!(IncrementalCheckpointMetadata::from_json(&again).expect("and read"), metadata);
    }
}

/// Reads an archive.
pub fn tar(bytes: &[u8]) {
    let metadata = archive::metadata(bytes);
    if let Ok(directory) = archive::read(bytes) {
        assert!(metadata.is_ok(), "the metadata of a whole archive");
        let again = block_on(archive::export(&directory, None)).expect("what was read can be exported");
        assert_eq!(again, bytes, "an archive has one form");
    }
}

/// Reads LaminarDB's snapshot.
pub fn snapshot(bytes: &[u8]) {
    let _ = decode_state_snapshot(bytes);
}

/// Takes bytes for the columns of a batch.
pub fn columns(bytes: &[u8]) {
    let (count, rest) = bytes.split_first().map_or((0, bytes), |(count, rest)| (usize::from(*count % 16), rest));
    let (ops, rest) = rest.split_at(count.min(rest.len()));
    let word =
        |at: usize| rest.get(at * 4..at * 4 + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes);
    let key_lens: Vec<u32> = (0..count).map(word).collect();
    let value_lens: Vec<u32> = (count..count * 2).map(word).collect();
    let (keys, values) = rest.split_at(rest.len() / 2);
    if let Ok(mutations) = (Columns { ops, key_lens: &key_lens, value_lens: &value_lens, keys, values }).mutations() {
        assert_eq!(mutations.count(), ops.len());
    }
}

/// Takes bytes for a whole directory: each file a length of two bytes, a number that picks its name
/// among those that are interesting, and its content. Then everything that reads goes over it.
pub fn directory(bytes: &[u8]) {
    let names = interesting_names();
    let mut files = Files::new();
    let mut rest = bytes;
    while let [name, low, high, tail @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (content, after) = tail.split_at(length);
        files.insert(names[usize::from(*name) % names.len()].clone(), content.to_vec());
        rest = after;
    }
    read_everything(&memory(files));
}

/// Every reader over one directory; none may panic, and two of them must agree.
pub fn read_everything(directory: &std::sync::Arc<MemoryDirectory>) {
    let before = directory.to_files();
    let opened = open_with(directory, keep(1), options());
    let recovered = block_on(recover(&**directory, &RecoverOptions::new()));
    // A reader needs no number for the next file.
    if !matches!(opened, Err(alluvium_core::IncrementalCheckpointError::LimitExceeded(_))) {
        assert_eq!(opened.is_ok(), recovered.is_ok(), "opening and recovering differ");
    }
    let _ = open_with(directory, keep(1), options().allow_fallback(true));
    let report = block_on(verify(&**directory)).expect("memory lists");
    if let (Ok(manager), false) = (&opened, report.is_damaged()) {
        assert_eq!(manager.latest_checkpoint_id(), recovered.ok().flatten().map(|found| found.metadata.id));
    }
    let listed = block_on(inspect::list_checkpoints(&**directory)).expect("memory lists");
    for checkpoint in listed {
        let _ = block_on(inspect::load_state(&**directory, checkpoint.id));
        let _ = block_on(archive::export(&**directory, Some(checkpoint.id)));
    }
    let _ = block_on(gc::plan(&**directory, Some(1)));
    assert_eq!(directory.to_files(), before, "reading has changed something");
}

/// Names that Alluvium writes, and a few that it does not.
pub fn interesting_names() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for id in [1_u64, 2, 3, 4, u64::MAX] {
        for file in ["metadata.json", "state.bin", "deleted"] {
            names.push(format!("checkpoint_{id:016x}/{file}"));
        }
        for kind in ["base", "delta"] {
            names.push(format!("segments/{id:016x}.{kind}"));
        }
        names.push(format!("wal/{id:016x}-{:016x}.log", 1));
    }
    names.extend(["notes.txt", "segments/x", "checkpoint_1"].map(String::from));
    names
}

/// A directory as the bytes that [`directory`] takes.
pub fn encode_directory(files: &Files) -> Vec<u8> {
    let names = interesting_names();
    let mut bytes = Vec::new();
    for (path, content) in files {
        let Some(name) = names.iter().position(|name| name == path) else { continue };
        bytes.push(name as u8);
        bytes.extend_from_slice(&(content.len().min(usize::from(u16::MAX)) as u16).to_le_bytes());
        bytes.extend_from_slice(&content[..content.len().min(usize::from(u16::MAX))]);
    }
    bytes
}

/// The seeds of each target, from what Alluvium and LaminarDB wrote: what a corpus begins with.
pub fn seeds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let goldens = all();
    let files = |suffix: &str| -> Vec<Vec<u8>> {
        let ends = |(path, _): &(&String, &Vec<u8>)| path.ends_with(suffix);
        let mut found: Vec<Vec<u8>> = goldens
            .iter()
            .flat_map(|golden| golden.files.iter().filter(ends).map(|(_, content)| content.clone()).take(3))
            .collect();
        found.dedup();
        found
    };
    let archives =
        goldens.iter().filter_map(|golden| block_on(archive::export(&*memory(golden.files.clone()), None)).ok());
    let states = fixture("snapshot").to_files().into_iter().filter(|(path, _)| path.ends_with("state.bin"));
    let small = |golden: &&alluvium_test_harness::golden::Golden| golden.files.len() < 12;
    vec![
        ("metadata", files("metadata.json")),
        ("archive", archives.filter(|bytes| bytes.len() < 64 << 10).collect()),
        ("snapshot", states.map(|(_, content)| content).collect()),
        ("columns", vec![b"\x02\x00\x01\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0ab".to_vec(), Vec::new()]),
        ("segment", super::sealed::seeds()),
        ("directory", goldens.iter().filter(small).map(|golden| encode_directory(&golden.files)).collect()),
    ]
}

fn targets() -> Vec<Target> {
    let decode = |name| -> fn(&[u8]) {
        match name {
            "metadata" => metadata,
            "archive" => tar,
            "snapshot" => snapshot,
            "columns" => columns,
            "segment" => super::sealed::segment,
            _ => directory,
        }
    };
    seeds().into_iter().map(|(name, seeds)| Target { name, seeds, decode: decode(name) }).collect()
}

/// Scenario 18 over the corpus that fuzzing keeps: what was found once stays found.
pub fn corpus(_budget: Budget) -> Tally {
    let mut tally = Tally::new(18, "the corpus of the fuzz targets", "inputs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for target in targets() {
        let directory = root.join(target.name);
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                tally.note(Err(format!("{}: {error}", directory.display())));
                continue;
            }
        };
        for entry in entries.flatten() {
            let outcome = guarded(|| {
                let bytes = std::fs::read(entry.path()).map_err(|error| error.to_string())?;
                (target.decode)(&bytes);
                Ok(())
            });
            tally.note(outcome.map_err(|what| format!("{}: {what}", entry.path().display())));
        }
    }
    tally
}

/// Scenario 18.
pub fn every_decoder(budget: Budget) -> Tally {
    let mut tally = Tally::new(18, "every decoder and whole directories, mutated", "inputs");
    let targets = targets();
    let mut random = budget.random(0);
    let mut cases = 0;
    while budget.allows(cases) {
        let target = &targets[usize::try_from(cases).unwrap_or_default() % targets.len()];
        cases += 1;
        let mut bytes = target.seeds[random.usize(..target.seeds.len())].clone();
        for _ in 0..random.u8(0..5) {
            mutate(&mut bytes, &mut random);
        }
        let outcome = guarded(|| {
            let ((), largest) = largest_block(|| (target.decode)(&bytes));
            if largest > BLOCK_BYTES_MAX + 16 * bytes.len() {
                return Err(format!("{largest} bytes asked for at once, over {} given", bytes.len()));
            }
            Ok(())
        });
        tally.note(outcome.map_err(|what| format!("{}: {what}: {:02x?}", target.name, &bytes[..bytes.len().min(200)])));
    }
    tally
}

fn mutate(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    if bytes.is_empty() {
        bytes.push(random.u8(..));
        return;
    }
    let at = random.usize(..bytes.len());
    match random.u8(0..8) {
        0 | 1 => bytes[at] ^= 1 << random.u8(0..8),
        2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b'9'][random.usize(0..8)],
        3 => bytes.truncate(at),
        4 => {
            let end = bytes.len().min(at + 8);
            bytes[at..end].fill(if random.bool() { 0xff } else { 0 });
        }
        5 => bytes.insert(at, random.u8(..)),
        6 => drop(bytes.remove(at)),
        _ => {
            let from = random.usize(..bytes.len());
            let length = random.usize(..64).min(bytes.len() - from.max(at));
            bytes.copy_within(from..from + length, at);
        }
    }
}
