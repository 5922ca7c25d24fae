//! `SlateDB` on a store on the local file system, synced: one batch for each epoch, and a flush.

use std::path::Path;
use std::sync::Arc;

use alluvium_bench::contender::{Contender, Epoch, Kind, Map, Recovered};
use alluvium_bench::measure::timed;
use alluvium_bench::workload::Records;
use anyhow::Result;
use object_store::local::LocalFileSystem;
use slatedb::config::{Settings, WriteOptions};
use slatedb::{Db, WriteBatch};
use tokio::runtime::{Builder, Runtime};

pub(crate) const KIND: Kind = Kind {
    name: "slatedb",
    open: |path| {
        let runtime = runtime()?;
        let db = runtime.block_on(open(path))?;
        Ok(Box::new(Slate { runtime, db }))
    },
    recover: |path| runtime()?.block_on(recover(path)),
};

struct Slate {
    runtime: Runtime,
    db: Db,
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

async fn open(path: &Path) -> Result<Db> {
    let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true);
    // Flushed at the barrier and never by the clock: what is measured is the barrier.
    let settings = Settings { flush_interval: None, ..Settings::default() };
    Ok(Db::builder("state", Arc::new(store)).with_settings(settings).build().await?)
}

impl Contender for Slate {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let (apply_us, applied) = timed(|| {
            let mut batch = WriteBatch::new();
            for (key, value) in records.iter() {
                batch.put(key, value);
            }
            self.runtime.block_on(self.db.write_with_options(batch, &WriteOptions::default()))
        });
        drop(applied?);
        let (stall_us, flushed) = timed(|| self.runtime.block_on(self.db.flush()));
        flushed?;
        Ok(Epoch { apply_us, stall_us, durable_us: stall_us })
    }
}

impl Drop for Slate {
    fn drop(&mut self) {
        // A database that is not closed would continue to compact while the next one opens it.
        if let Err(error) = self.runtime.block_on(self.db.close()) {
            eprintln!("closing SlateDB: {error}");
        }
    }
}

async fn recover(path: &Path) -> Result<Recovered> {
    let db = open(path).await?;
    let mut map = Map::default();
    let mut entries = db.scan::<std::ops::RangeFull>(..).await?;
    while let Some(entry) = entries.next().await? {
        map.insert((*entry.key).into(), (*entry.value).into());
    }
    drop(entries);
    db.close().await?;
    Ok(Recovered::Map(map))
}
