//! fjall: one batch for each epoch, its journal synced.

use std::path::Path;

use alluvium_bench::contender::{Contender, Epoch, Kind, Map, Recovered};
use alluvium_bench::measure::timed;
use alluvium_bench::workload::Records;
use anyhow::Result;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

pub(crate) const KIND: Kind = Kind {
    name: "fjall",
    open: |path| {
        let (database, keyspace) = open(path)?;
        Ok(Box::new(Fjall { database, keyspace }))
    },
    recover,
};

struct Fjall {
    database: Database,
    keyspace: Keyspace,
}

fn open(path: &Path) -> Result<(Database, Keyspace)> {
    let database = Database::builder(path).open()?;
    let keyspace = database.keyspace("state", KeyspaceCreateOptions::default)?;
    Ok((database, keyspace))
}

impl Contender for Fjall {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        let (apply_us, ()) = timed(|| records.iter().for_each(|(key, value)| batch.insert(&self.keyspace, key, value)));
        let (stall_us, committed) = timed(|| batch.commit());
        committed?;
        Ok(Epoch { apply_us, stall_us, durable_us: stall_us })
    }
}

fn recover(path: &Path) -> Result<Recovered> {
    let (_database, keyspace) = open(path)?;
    let mut map = Map::default();
    for entry in keyspace.iter() {
        let (key, value) = entry.into_inner()?;
        map.insert((*key).into(), (*value).into());
    }
    Ok(Recovered::Map(map))
}
