//! Scenario 15: a disk that is full at every possible moment, and has room again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::block_on;
use alluvium_core::{IncrementalCheckpointError as Error, Reaction};
use alluvium_test_harness::command::recovered;
use alluvium_test_harness::oracle::undamaged;
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Expected, Tmpfs, keep, open_with, options};

use crate::command::Program;

/// Mounts a file system in memory of so many KiB.
fn small_disk(kib: u64) -> Result<Tmpfs, String> {
    Tmpfs::mount(&format!("size={kib}k,mode=700"))
}

/// Scenario 15.
pub fn a_full_disk(budget: Budget) -> Tally {
    let mut tally = Tally::new(15, "a full disk, and room again (tmpfs)", "full disks");
    let disk = match small_disk(512) {
        Ok(disk) => disk,
        Err(why) => return tally.skip(format!("needs root and tmpfs: {why}")),
    };
    // The free space differs by a page from case to case, so that it ends in every write.
    for (cases, pages) in (0..).zip(budget.order(100).iter()) {
        if !budget.allows(cases) {
            break;
        }
        let directory = disk.path().join(format!("case-{pages}"));
        let outcome = guarded(|| fill_up(disk.path(), &directory, pages));
        tally.note(outcome.map_err(|what| format!("{pages} pages left: {what}")));
        let _ = std::fs::remove_dir_all(&directory);
    }
    drop(disk);
    if let Ok(program) = Program::find() {
        tally.note(guarded(|| the_command(&program)).map_err(|what| format!("alluvium run: {what}")));
    }
    tally
}

/// Takes all space but for so many pages.
fn take_space(root: &Path, but_pages: u64) -> Result<PathBuf, String> {
    let told = |error: std::io::Error| error.to_string();
    let filler = root.join("filler");
    let stat = rustix::fs::statvfs(root).map_err(|errno| errno.to_string())?;
    let free = stat.f_bavail * stat.f_frsize;
    let bytes = free.saturating_sub(but_pages * stat.f_frsize);
    std::fs::write(&filler, vec![1; usize::try_from(bytes).unwrap_or_default()]).map_err(told)?;
    Ok(filler)
}

fn fill_up(root: &Path, path: &Path, pages: u64) -> Result<(), String> {
    let told = |error: Error| error.to_string();
    let directory = Arc::new(NativeDirectory::create(path).map_err(|error| error.to_string())?);
    let mut manager = open_with(&directory, keep(2), options()).map_err(told)?;
    manager.put(b"first", &[7; 5_000]).map_err(told)?;
    block_on(manager.create_checkpoint(1)).map_err(told)?;
    let mut acknowledged = Expected::of(&manager);
    let filler = take_space(root, pages)?;
    let mut refused = None;
    for position in 2..200_u64 {
        manager.put(format!("key {position}").as_bytes(), &[position as u8; 3_000]).map_err(told)?;
        let sync = position % 3 == 0;
        let written = if sync {
            block_on(manager.sync(position))
        } else {
            block_on(manager.create_checkpoint(position)).map(drop)
        };
        match written {
            Ok(()) => acknowledged = Expected::of(&manager),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    let refused = refused.ok_or("the disk never was full")?;
    if refused.reaction() != Reaction::NoSpace {
        return Err(format!("told {refused:?}, not that there is no space"));
    }
    drop(manager);
    let reopened = || open_with(&directory, keep(2), options()).map_err(told);
    let full = Expected::of(&reopened()?);
    if full != acknowledged {
        return Err("with the disk full, what was acknowledged did not come back".into());
    }
    undamaged(&*directory, "with the disk full")?;
    std::fs::remove_file(filler).map_err(|error| error.to_string())?;
    let mut manager = reopened()?;
    manager.put(b"after", b"room again").map_err(told)?;
    block_on(manager.create_checkpoint(1_000)).map_err(|error| format!("with room again: {error}"))?;
    let expected = Expected::of(&manager);
    if Expected::of(&reopened()?) != expected {
        return Err("with room again, the next checkpoint did not come back".into());
    }
    undamaged(&*directory, "with room again")
}

/// The command on a disk that is too small, and then is not.
fn the_command(program: &Program) -> Result<(), String> {
    let disk = small_disk(4_096)?;
    let elsewhere = tempfile::tempdir().map_err(|error| error.to_string())?;
    let output = elsewhere.path().join("output");
    let expected = {
        let whole = elsewhere.path().join("whole");
        program.finish(&whole, &elsewhere.path().join("whole-output"), 1_000)?;
        recovered(&whole)?
    };
    let directory = disk.path().join("run");
    std::fs::create_dir(&directory).map_err(|error| error.to_string())?;
    let filler = take_space(disk.path(), 12)?;
    match program.finish(&directory, &output, 1_000) {
        Ok(()) => return Err("it got through a full disk".into()),
        Err(told) if told.contains("no space left") => {}
        Err(told) => return Err(format!("it said {told:?}, nothing of space")),
    }
    recovered(&directory).map_err(|what| format!("after it: {what}"))?;
    std::fs::remove_file(filler).map_err(|error| error.to_string())?;
    program.finish(&directory, &output, 1_000).map_err(|what| format!("with room again: {what}"))?;
    if recovered(&directory)? == expected { Ok(()) } else { Err("in the end, another state".into()) }
}
