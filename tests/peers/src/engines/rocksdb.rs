//! `RocksDB`, in the two ways in which stream processors use it: puts without a log and a
//! `Checkpoint` (what Flink does), and one synced `WriteBatch` for each epoch.

use std::path::{Path, PathBuf};

use alluvium_bench::contender::{Contender, Epoch, Kind, Map, Recovered};
use alluvium_bench::measure::timed;
use alluvium_bench::workload::Records;
use anyhow::{Context, Result};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{DB, DBCompressionType, IteratorMode, Options, WriteBatch, WriteOptions};

/// Puts without a log; a checkpoint flushes and links the files.
pub(crate) const CHECKPOINT: Kind = Kind {
    name: "rocksdb checkpoint",
    open: |path| Ok(Box::new(Checkpointed { db: open(&path.join("db"))?, path: path.to_owned(), kept: Vec::new() })),
    recover: |path| {
        let names = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        let newest = names.into_iter().filter(|path| path.file_name().is_some_and(|name| name != "db")).max();
        recover(&newest.context("no checkpoint")?)
    },
};

/// One batch for each epoch, its log synced.
pub(crate) const BATCH: Kind =
    Kind { name: "rocksdb batch", open: |path| Ok(Box::new(Batched { db: open(path)? })), recover };

/// Checkpoints that stay, as with us.
const CHECKPOINTS_KEPT: usize = 3;

fn options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_compression_type(DBCompressionType::None);
    options.set_write_buffer_size(64 << 20);
    options
}

fn open(path: &Path) -> Result<DB> {
    Ok(DB::open(&options(), path)?)
}

struct Checkpointed {
    db: DB,
    path: PathBuf,
    kept: Vec<PathBuf>,
}

impl Contender for Checkpointed {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let mut unlogged = WriteOptions::default();
        unlogged.disable_wal(true);
        let (apply_us, applied) =
            timed(|| records.iter().try_for_each(|(key, value)| self.db.put_opt(key, value, &unlogged)));
        applied?;
        let number = self.kept.last().map_or(0, |path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.trim_start_matches('0').parse::<u64>().unwrap_or(0)
        });
        let path = self.path.join(format!("{:08}", number + 1));
        // The stream stands still meanwhile: the checkpoint flushes what the stream would write to.
        let (stall_us, created) = timed(|| Checkpoint::new(&self.db)?.create_checkpoint(&path));
        created?;
        self.kept.push(path);
        Ok(Epoch { apply_us, stall_us, durable_us: stall_us })
    }

    fn tidy(&mut self) -> Result<()> {
        while self.kept.len() > CHECKPOINTS_KEPT {
            std::fs::remove_dir_all(self.kept.remove(0))?;
        }
        Ok(())
    }
}

struct Batched {
    db: DB,
}

impl Contender for Batched {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let mut batch = WriteBatch::default();
        let (apply_us, ()) = timed(|| records.iter().for_each(|(key, value)| batch.put(key, value)));
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let (stall_us, written) = timed(|| self.db.write_opt(batch, &synced));
        written?;
        Ok(Epoch { apply_us, stall_us, durable_us: stall_us })
    }
}

fn recover(path: &Path) -> Result<Recovered> {
    let db = open(path)?;
    let mut map = Map::default();
    for entry in db.iterator(IteratorMode::Start) {
        let (key, value) = entry?;
        map.insert(key, value);
    }
    Ok(Recovered::Map(map))
}
