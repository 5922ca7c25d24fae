//! The oracle of damage: a damaged directory gives an error, or exactly what was checkpointed.

use std::sync::Arc;

use alluvium_core::archive::{export, read};
use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::tools::inspect;
use alluvium_core::tools::verify::verify;

use crate::golden::{Golden, all, all_of_version_2};
use crate::{Expected, Files, Manager, fixture, keep, memory, open, open_with, options};

/// Returns the golden directories, each with the paths of the files that carry checksums: what
/// LaminarDB wrote does not, and no reader can know of a flip in it.
pub fn directories() -> Vec<(Golden, Vec<String>)> {
    let laminar = fixture("opaque").to_files();
    let has_checksum = |golden: &Golden, path: &String| golden.name != "continued" || !laminar.contains_key(path);
    let with_paths = |golden: Golden| {
        let paths = golden.files.keys().filter(|path| has_checksum(&golden, path)).cloned().collect();
        (golden, paths)
    };
    // A few of version 2 reach everything that is read differently there.
    let is_chosen = |golden: &Golden| ["small", "deltas", "logged"].contains(&golden.name);
    all().into_iter().chain(all_of_version_2().into_iter().filter(is_chosen)).map(with_paths).collect()
}

/// Holds every way of opening `files`, which are a damaged copy of `golden`, to what was checkpointed.
///
/// Without fallback only the newest checkpoint that the files name may come back. With it an older
/// one may, and then what was skipped is said.
pub fn never_wrong(golden: &Golden, files: &Files) -> Result<(), String> {
    let directory = memory(files.clone());
    let newest = golden.checkpoints.keys().rev().find(|id| files.contains_key(&metadata_path(**id))).copied();
    if let Ok(manager) = open(&directory) {
        let latest = manager.latest_checkpoint_id();
        if latest != newest {
            return Err(format!("{latest:?} came back as the newest, not {newest:?}"));
        }
        is_whole(golden, files, &manager, latest)?;
    }
    for (id, expected) in &golden.checkpoints {
        checkpoint_is_right(golden, &directory, *id, expected)?;
    }
    // What leaves the directory is what was checkpointed, or it does not leave.
    if let Ok(archive) = block_on(export(&*directory, Some(golden.latest()))) {
        let exported = read(&archive).map_err(|error| format!("what was exported cannot be read: {error}"))?;
        let exported = exported.to_files();
        if let Some((path, _)) = exported.iter().find(|(path, content)| golden.files.get(*path) != Some(content)) {
            return Err(format!("{path} was exported with other bytes"));
        }
    }
    if let Ok(manager) = open_with(&directory, keep(10), options().allow_fallback(true)) {
        falls_back_openly(golden, files, &manager, newest)?;
    }
    Ok(())
}

fn metadata_path(id: u64) -> String {
    format!("checkpoint_{id:016x}/metadata.json")
}

/// What can be read of checkpoint `id` is what was written.
fn checkpoint_is_right(
    golden: &Golden,
    directory: &Arc<MemoryDirectory>,
    id: u64,
    expected: &Expected,
) -> Result<(), String> {
    if let Ok(metadata) = block_on(inspect::load_metadata(&**directory, id)) {
        let whole = block_on(inspect::load_metadata(&*memory(golden.files.clone()), id));
        if metadata != whole.expect("golden metadata is whole") {
            return Err(format!("{metadata:?} came back as the metadata of {id}"));
        }
    }
    let Ok(manager) = open_with(directory, keep(10), options().checkpoint(Some(id))) else { return Ok(()) };
    let found = Expected::of(&manager);
    if found != *expected {
        return Err(format!("{found:?} came back as checkpoint {id}"));
    }
    let path = format!("checkpoint_{id:016x}/state.bin");
    match block_on(manager.load_checkpoint_state(id)) {
        Ok(state) if golden.files.get(&path) != Some(&state) => Err(format!("{path} came back with other bytes")),
        _ => Ok(()),
    }
}

/// What came back with fallback is a whole checkpoint, and every newer one that was skipped is named.
fn falls_back_openly(golden: &Golden, files: &Files, manager: &Manager, newest: Option<u64>) -> Result<(), String> {
    let recovered = manager.recovered();
    let id = recovered.map(|recovered| recovered.checkpoint_id);
    is_whole(golden, files, manager, id)?;
    let (Some(recovered), Some(id), Some(newest)) = (recovered, id, newest) else { return Ok(()) };
    let skipped: Vec<u64> = recovered.skipped.iter().map(|skipped| skipped.id).collect();
    let passed: Vec<u64> = (id + 1..=newest).rev().filter(|id| golden.checkpoints.contains_key(id)).collect();
    if skipped == passed { Ok(()) } else { Err(format!("{skipped:?} were said to be skipped, and {passed:?} were")) }
}

/// What came back is checkpoint `id`, brought up to date by every log that follows it; by fewer only
/// where the manager says that it cut the rest off.
fn is_whole(golden: &Golden, files: &Files, manager: &Manager, id: Option<u64>) -> Result<(), String> {
    let found = Expected::of(manager);
    let (expected, logs) = match id {
        Some(id) => {
            let logs = logs_read(files, id, manager);
            (golden.expected(id, logs).clone(), logs)
        }
        None => (Expected::default(), 0),
    };
    if found == expected { Ok(()) } else { Err(format!("{found:?} came back as checkpoint {id:?} with {logs} logs")) }
}

/// Returns how many logs after checkpoint `id` were read: all that are there, or those before the one
/// at which the manager says that it stopped.
fn logs_read(files: &Files, id: u64, manager: &Manager) -> usize {
    let log = |sequence: usize| format!("wal/{id:016x}-{sequence:016x}.log");
    let cut = manager.recovered().and_then(|recovered| recovered.wal_cut.as_ref()).map(|cut| cut.path.clone());
    (1..=files.len()).take_while(|sequence| files.contains_key(&log(*sequence)) && Some(log(*sequence)) != cut).count()
}

/// Holds verification to its promise: it finds damage, and names the file.
pub fn is_named(files: &Files, path: &str) -> Result<(), String> {
    let report = block_on(verify(&*memory(files.clone()))).map_err(|error| error.to_string())?;
    if report.is_damaged() && report.findings.iter().any(|finding| finding.path == path) {
        return Ok(());
    }
    Err(format!("verify does not name {path}: {:?}", report.findings))
}
