//! Partial directories, as a copy leaves them that was slow or cut short. Any files of a live
//! directory are missing, and one of those that are there may be cut.
//!
//! Such a directory opens exactly at a checkpoint or at a WAL file after it, or it is refused and what is
//! missing is named. Verification and recovery agree, and no id is given again.

mod live;

use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::{inspect, verify::verify};
use alluvium_core::{IncrementalCheckpointError as Error, Reaction};

use crate::partial::live::{Live, Part, mentioned, sequences};
use crate::tally::{Budget, Tally, each_case, guarded};
use crate::{Expected, Manager, keep, memory, open, open_with, options};

/// So many subsets of one directory's files are drawn; of fewer, all are tried.
const SUBSETS: u64 = 64;

/// The mark of a directory that may hold files and no checkpoint.
const BEGUN: &str = "checkpoint_0000000000000000/deleted";

/// Scenario 20 of the catalogue.
pub fn files_missing(budget: Budget) -> Tally {
    let mut tally = Tally::new(20, "random directories, random files missing", "partial directories");
    each_case(&budget, &mut tally, |case, tally| {
        let mut random = budget.random(case);
        let live = match Live::new(&mut random) {
            Ok(live) => live,
            Err(what) => return tally.note(Err(what)),
        };
        for number in 0..live.subsets().min(SUBSETS) {
            if !budget.has_time() {
                return;
            }
            let part = live.part(number, SUBSETS, &mut random);
            let outcome = guarded(|| check(&live, &part));
            tally.note(outcome.map_err(|what| format!("{part}: {what}\n  of {live}")));
        }
    });
    tally
}

fn check(live: &Live, part: &Part) -> Result<(), String> {
    let directory = memory(part.files.clone());
    let listed: Vec<u64> = live.contents.keys().copied().filter(|id| part.has_metadata(*id)).collect();
    let whole: Vec<u64> = listed.iter().copied().filter(|id| is_whole(live, &directory, *id)).collect();
    for id in &whole {
        let found =
            open_with(&directory, keep(10), options().checkpoint(Some(*id))).map_err(|error| error.to_string())?;
        if Expected::of(&found) != live.contents[id][0] {
            return Err(format!("asked for checkpoint {id}, it holds {:?}", Expected::of(&found)));
        }
    }
    let opened = open(&directory);
    agree(part, &directory, whole.len() < listed.len(), &opened)?;
    if directory.to_files() != part.files {
        return Err("reading has changed something".into());
    }
    match opened {
        Ok(manager) => opened_at(live, part, &manager, &listed)?,
        Err(error) => {
            refused(live, part, &error)?;
            if let Ok(manager) = open_with(&directory, keep(10), options().allow_fallback(true)) {
                fell_back(live, &manager, &listed)?;
            }
            return if directory.to_files() == part.files { Ok(()) } else { Err("refused, and changed".into()) };
        }
    }
    goes_on(live, part, &directory, &whole)
}

/// Whether a checkpoint can be recovered, and its opaque state with it.
fn is_whole(live: &Live, directory: &MemoryDirectory, id: u64) -> bool {
    let recovered = block_on(recover(directory, &RecoverOptions::new().checkpoint(Some(id))));
    let state = || block_on(inspect::load_state(directory, id)).ok();
    recovered.is_ok() && live.states.get(&id).is_none_or(|expected| state().as_ref() == Some(expected))
}

/// Verification finds damage exactly where recovery does. A file that was cut may be one that recovery
/// never reads.
fn agree(part: &Part, directory: &MemoryDirectory, lacks: bool, opened: &Result<Manager, Error>) -> Result<(), String> {
    let report = block_on(verify(directory)).map_err(|error| error.to_string())?;
    // Recovery cuts a torn tail off. For verification it is damage.
    let strict = block_on(recover(directory, &RecoverOptions::new().repair_wal(false)));
    let is_damaged = lacks || strict.is_err() || opened.is_err();
    if report.is_damaged() == is_damaged || (report.is_damaged() && part.cut.is_some()) {
        return Ok(());
    }
    let opened = opened.as_ref().map(Manager::latest_checkpoint_id);
    Err(format!("recovery: {:?}, {opened:?}, lacks {lacks}; verify: {:?}", strict.map(drop), report.findings))
}

/// What opened is the newest checkpoint, with every WAL file after it.
fn opened_at(live: &Live, part: &Part, manager: &Manager, listed: &[u64]) -> Result<(), String> {
    let (found, latest) = (Expected::of(manager), manager.latest_checkpoint_id());
    if latest != listed.last().copied() {
        return Err(format!("opened at {latest:?}, and {listed:?} are there"));
    }
    let Some(id) = latest else {
        // Marks remember ids. Whatever else a copy left is part of a checkpoint, unless the live directory
        // had none and was marked as begun.
        let is_begun = live.contents.is_empty() && part.files.contains_key(BEGUN);
        let remains = part.files.keys().find(|path| !is_begun && !path.ends_with("/deleted"));
        return remains.map_or(Ok(()), |path| Err(format!("{path} was taken for nothing")));
    };
    let there = sequences(&part.files, id);
    let torn = manager.recovered().and_then(|recovered| recovered.wal_cut.as_ref()).map(|cut| cut.path.as_str());
    let is_torn = torn.is_some() && torn == part.cut.as_deref();
    let replayed = there.len() - usize::from(is_torn);
    if torn.is_some() && !is_torn {
        return Err(format!("{torn:?} is said to be torn"));
    }
    if there != (1..=there.len() as u64).collect::<Vec<_>>() {
        return Err(format!("WAL files {there:?} after checkpoint {id} have a gap, and it opened"));
    }
    let expected = live.contents[&id].get(replayed);
    if expected == Some(&found) { Ok(()) } else { Err(format!("opened with {found:?}, not {expected:?}")) }
}

/// The refusal is one of damage, and names something that is missing or cut.
fn refused(live: &Live, part: &Part, error: &Error) -> Result<(), String> {
    let told = error.to_string();
    if let Error::CheckpointsLost { segments, wal_files, partial_checkpoints, first } = error {
        let count = |kind: &str| part.files.keys().filter(|path| path.contains(kind)).count() as u64;
        let there = [count("segments/"), count("wal/"), count("/state.bin"), count("/metadata.json")];
        let is_right = [*segments, *wal_files, *partial_checkpoints, 0] == there && part.files.contains_key(first);
        return if is_right { Ok(()) } else { Err(format!("{there:?} are there, and it says: {told}")) };
    }
    if error.reaction() != Reaction::Corruption {
        return Err(format!("refused with {:?}: {told}", error.reaction()));
    }
    let mut missing = live.files.keys().filter(|path| !part.files.contains_key(*path));
    if missing.any(|path| told.contains(path.as_str())) || part.cut.as_ref().is_some_and(|path| told.contains(path)) {
        return Ok(());
    }
    Err(format!("the refusal does not name what is missing: {told}"))
}

/// Where falling back was allowed, what came back is a checkpoint, and every newer one is said to be skipped.
fn fell_back(live: &Live, manager: &Manager, listed: &[u64]) -> Result<(), String> {
    let Some(recovered) = manager.recovered() else { return Err("it fell back to nothing".into()) };
    let found = Expected::of(manager);
    if !live.contents[&recovered.checkpoint_id].contains(&found) {
        return Err(format!("fell back to {} with {found:?}", recovered.checkpoint_id));
    }
    let skipped: Vec<u64> = recovered.skipped.iter().map(|skipped| skipped.id).collect();
    let newer: Vec<u64> = listed.iter().rev().copied().filter(|id| *id > recovered.checkpoint_id).collect();
    if skipped == newer { Ok(()) } else { Err(format!("{newer:?} were skipped, and {skipped:?} said to be")) }
}

/// A directory that opened can be worked with. No id is given again, no WAL file counts for a checkpoint that
/// it does not follow, and what was whole stays so.
fn goes_on(live: &Live, part: &Part, directory: &Arc<MemoryDirectory>, whole: &[u64]) -> Result<(), String> {
    let told = |error: Error| error.to_string();
    let given = part.files.keys().filter_map(|path| mentioned(path)).max().unwrap_or(0);
    let mut manager = open(directory).map_err(told)?;
    let position = manager.wal_position();
    for round in 1..=2_u64 {
        manager.put(b"after the copy", &round.to_be_bytes()).map_err(told)?;
        let id = block_on(manager.create_checkpoint(position + round)).map_err(told)?.id;
        if id < given + round {
            return Err(format!("id {id} was given again: a name mentions {given}"));
        }
        manager.put(b"synced", &round.to_be_bytes()).map_err(told)?;
        block_on(manager.sync(position + round)).map_err(told)?;
    }
    let expected = Expected::of(&manager);
    drop(manager);
    let found = Expected::of(&open(directory).map_err(|error| format!("after two more checkpoints: {error}"))?);
    if found != expected {
        return Err(format!("after two more checkpoints it holds {found:?}, not {expected:?}"));
    }
    for id in whole {
        let still = open_with(directory, keep(10), options().checkpoint(Some(*id))).map_err(told)?;
        if Expected::of(&still) != live.contents[id][0] {
            return Err(format!("checkpoint {id} became {:?}", Expected::of(&still)));
        }
    }
    Ok(())
}
