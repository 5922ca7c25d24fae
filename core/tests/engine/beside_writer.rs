//! Reading beside a writer. What was listed may be gone when it is read, because the writer has a newer checkpoint
//! by then. A reader takes the newer one; only what an existing checkpoint still names can be damage.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::{diff, inspect, verify};
use alluvium_core::{
    IncrementalCheckpointError as Error, RecoveryConfig, RecoveryManager, archive, gc, validate_checkpoint,
};

use crate::support::{State, Writer, contents};

/// A directory in which a writer takes its steps right before some of the reader's calls.
struct Beside<'w> {
    directory: Arc<MemoryDirectory>,
    writer: &'w RefCell<Writer>,
    calls: Cell<u64>,
    /// Before which calls: from the first number on, as many as the second says.
    moves: (u64, u64),
}

impl Beside<'_> {
    fn enter(&self) {
        let call = self.calls.replace(self.calls.get() + 1);
        if (self.moves.0..self.moves.0 + self.moves.1).contains(&call) {
            self.writer.borrow_mut().step();
        }
    }
}

impl Directory for Beside<'_> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.enter();
        self.directory.list().await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.enter();
        self.directory.read(path).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.enter();
        self.directory.read_range(path, offset, length).await
    }

    async fn create(&self, _: Vec<NewFile>) -> Result<(), DirectoryError> {
        unreachable!("a reader creates nothing")
    }

    async fn delete(&self, _: &[String]) -> Result<(), DirectoryError> {
        unreachable!("a reader deletes nothing")
    }
}

type Reader = fn(&Beside<'_>) -> Result<(), String>;

fn is_one_of_the_writers(beside: &Beside<'_>, id: u64, state: &State) -> Result<(), String> {
    let writer = beside.writer.borrow();
    if writer.states.iter().any(|(of, expected)| *of == id && expected == state) {
        return Ok(());
    }
    Err(format!("{} keys are no state of checkpoint {id}", state.len()))
}

const READERS: [(&str, Reader); 9] = [
    ("recover", |beside| {
        let recovered = block_on(recover(beside, &RecoverOptions::new())).map_err(|error| error.to_string())?;
        let recovered = recovered.ok_or("no checkpoint")?;
        is_one_of_the_writers(beside, recovered.metadata.id, &contents(recovered.state.iter()))
    }),
    ("recover with fallback", |beside| {
        let options = RecoverOptions::new().allow_fallback(true);
        let recovered = block_on(recover(beside, &options)).map_err(|error| error.to_string())?;
        let recovered = recovered.ok_or("no checkpoint")?;
        if !recovered.skipped.is_empty() || recovered.wal.cut.is_some() {
            return Err(format!("{:?} and {:?} were skipped", recovered.skipped, recovered.wal.cut));
        }
        is_one_of_the_writers(beside, recovered.metadata.id, &contents(recovered.state.iter()))
    }),
    ("recovery manager", |beside| {
        let recovered = block_on(RecoveryManager::new(RecoveryConfig::new()).recover(beside));
        let recovered = recovered.map_err(|error| error.to_string())?;
        let id = recovered.checkpoint_id.ok_or("no checkpoint")?;
        if recovered.opaque_state.is_none() {
            return Err(format!("the opaque state of checkpoint {id} is lost"));
        }
        is_one_of_the_writers(beside, id, &contents(recovered.state.iter()))
    }),
    ("verify", |beside| {
        let report = block_on(verify::verify(beside)).map_err(|error| error.to_string())?;
        if report.is_damaged() || report.checkpoints == 0 { Err(format!("{report:?}")) } else { Ok(()) }
    }),
    ("list", |beside| {
        let listed = block_on(inspect::list_checkpoints(beside)).map_err(|error| error.to_string())?;
        let is_wrong = |summary: &inspect::CheckpointSummary| {
            summary.metadata.as_ref().is_err_and(|reason| !reason.starts_with("deleted"))
        };
        if listed.iter().any(is_wrong) || listed.iter().all(|summary| summary.metadata.is_err()) {
            return Err(format!("{listed:?}"));
        }
        Ok(())
    }),
    ("plan", |beside| {
        let report = block_on(gc::plan(beside, None)).map_err(|error| error.to_string())?;
        match report.files.iter().find(|file| file.why.contains("damaged")) {
            Some(file) => Err(format!("{file:?}")),
            None => Ok(()),
        }
    }),
    ("export", |beside| {
        let archive = block_on(archive::export(beside, None)).map_err(|error| error.to_string())?;
        archive::read(&archive).map(drop).map_err(|error| error.to_string())
    }),
    ("one that is asked for", |beside| {
        let newest = block_on(inspect::list_checkpoints(&*beside.directory)).unwrap();
        let id = newest.iter().find(|summary| summary.metadata.is_ok()).unwrap().id;
        let answers = [
            block_on(recover(beside, &RecoverOptions::new().checkpoint(Some(id)))).map(drop),
            block_on(inspect::load_metadata(beside, id)).map(drop),
            block_on(inspect::load_state(beside, id)).map(drop),
            block_on(validate_checkpoint(beside, id)),
            block_on(archive::export(beside, Some(id))).map(drop),
        ];
        for answer in answers {
            if let Err(error) = answer
                && !matches!(error, Error::NotFound(_))
            {
                return Err(format!("{error:?} for a checkpoint that is gone"));
            }
        }
        Ok(())
    }),
    ("diff", |beside| {
        let newest = block_on(inspect::list_checkpoints(&*beside.directory)).unwrap();
        let id = newest.iter().find(|summary| summary.metadata.is_ok()).unwrap().id;
        match block_on(diff::diff(beside, id.saturating_sub(1), id)) {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(format!("{error:?} for checkpoints that are gone")),
        }
    }),
];

#[test]
fn a_reader_takes_the_newer_checkpoint_whenever_the_writer_moves_on() {
    let mut reads = 0;
    for (name, reader) in READERS {
        for (retained, deletes) in [(1, false), (3, false), (3, true)] {
            for steps in [1, 3] {
                for first in 0.. {
                    let directory = Arc::new(MemoryDirectory::new());
                    let writer = RefCell::new(Writer::new(&directory, retained, deletes));
                    let beside = Beside { directory, writer: &writer, calls: Cell::new(0), moves: (first, steps) };
                    let place =
                        format!("{name}, {retained} retained, deletes: {deletes}, {steps} steps from call {first} on");
                    reader(&beside).unwrap_or_else(|wrong| panic!("{place}: {wrong}"));
                    reads += 1;
                    if beside.calls.get() <= first {
                        break;
                    }
                }
            }
        }
    }
    println!("{reads} reads");
    assert!(reads > 300, "{reads} reads");
}
