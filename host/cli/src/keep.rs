//! `alluvium keep` and `release`: which checkpoints retention leaves.

use std::path::{Path, PathBuf};

use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::directory::block_on;
use alluvium_core::tools::inspect;
use clap::Args;
use serde_json::json;

use crate::answer::Answer;
use crate::durability::Durability;
use crate::failure::Failure;
use crate::open::{self, Manager};
use crate::output::print;

const KEEP_EXAMPLE: &str = "\
Example:
  alluvium keep run 12

A new checkpoint of the same state says so. `alluvium list` shows which checkpoints are kept.";
const RELEASE_EXAMPLE: &str = "\
Example:
  alluvium release run 12

The checkpoint stays until the next run's retention, or until `alluvium delete`.";

/// Keep a checkpoint until it is released, however many newer ones there are
#[derive(Args)]
#[command(after_help = KEEP_EXAMPLE)]
pub(crate) struct Keep {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The checkpoint to keep
    id: u64,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Leave a checkpoint that was kept to retention again
#[derive(Args)]
#[command(after_help = RELEASE_EXAMPLE)]
pub(crate) struct Release {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The checkpoint to release
    id: u64,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Keep {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let committed = change((&self.dir, self.durability), |manager| block_on(manager.keep(self.id)))?;
        print(|out| {
            if self.json {
                return writeln!(out, "{:#}", json!({"kept": self.id, "id": committed}));
            }
            match committed {
                Some(id) => writeln!(out, "checkpoint {} is kept; checkpoint {id} says so", self.id),
                None => writeln!(out, "checkpoint {} is kept already", self.id),
            }
        })?;
        Ok(Answer::Yes)
    }
}

impl Release {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let committed = change((&self.dir, self.durability), |manager| manager.release(self.id))?;
        print(|out| {
            if self.json {
                return writeln!(out, "{:#}", json!({"released": self.id, "id": committed}));
            }
            let says = committed.map_or_else(String::new, |id| format!("; checkpoint {id} says so"));
            writeln!(out, "checkpoint {} is no longer kept{says}", self.id)
        })?;
        Ok(Answer::Yes)
    }
}

/// Changes which checkpoints are kept, and takes a checkpoint that makes it durable. Returns its id, or `None` if
/// nothing has changed.
fn change(
    (dir, durability): (&Path, Durability),
    act: impl FnOnce(&mut Manager) -> Result<(), Error>,
) -> Result<Option<u64>, Failure> {
    let failed = |error: Error| Failure::core(dir, &error);
    let mut manager = open::to_continue(dir, durability)?;
    let before = manager.kept_checkpoints();
    act(&mut manager).map_err(failed)?;
    if manager.kept_checkpoints() == before {
        return Ok(None);
    }
    commit_again(&mut manager).map(Some).map_err(failed)
}

/// Takes a checkpoint of the same moment as the newest one and the WAL after it, with the same opaque state.
fn commit_again(manager: &mut Manager) -> Result<u64, Error> {
    let opaque = match manager.latest_checkpoint_id() {
        Some(latest) => block_on(inspect::find_state(&**manager.directory(), latest))?,
        None => None,
    };
    let wal_position = manager.wal_position();
    let Some(opaque) = opaque else { return Ok(block_on(manager.create_checkpoint(wal_position))?.id) };
    let (offsets, watermark) = (manager.source_offsets().clone(), manager.watermark());
    Ok(block_on(manager.create_checkpoint_with_state(wal_position, offsets, watermark, &opaque))?.id)
}
