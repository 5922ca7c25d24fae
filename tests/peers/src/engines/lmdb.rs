//! LMDB: one write transaction for each epoch, committed and synced at the barrier.

use std::path::Path;

use alluvium_bench::contender::{Contender, Epoch, Kind, Map, Recovered};
use alluvium_bench::measure::timed;
use alluvium_bench::workload::Records;
use anyhow::{Context, Result};
use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, WithTls};

pub(crate) const KIND: Kind = Kind {
    name: "lmdb",
    open: |path| {
        let environment = open(path)?;
        let mut transaction = environment.write_txn()?;
        let database = environment.create_database(&mut transaction, None)?;
        transaction.commit()?;
        Ok(Box::new(Lmdb { environment, database }))
    },
    recover,
};

struct Lmdb {
    environment: Env<WithTls>,
    database: Database<Bytes, Bytes>,
}

fn open(path: &Path) -> Result<Env<WithTls>> {
    let mut options = EnvOpenOptions::new();
    options.map_size(64 << 30);
    // SAFETY: the file is in a scratch directory of this process alone; no other process maps it or
    // changes it while it is mapped.
    #[allow(unsafe_code)]
    Ok(unsafe { options.open(path) }?)
}

impl Contender for Lmdb {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let (apply_us, transaction) = timed(|| -> Result<_> {
            let mut transaction = self.environment.write_txn()?;
            for (key, value) in records.iter() {
                self.database.put(&mut transaction, key, value)?;
            }
            Ok(transaction)
        });
        let transaction = transaction?;
        let (stall_us, committed) = timed(|| transaction.commit());
        committed?;
        Ok(Epoch { apply_us, stall_us, durable_us: stall_us })
    }
}

fn recover(path: &Path) -> Result<Recovered> {
    let environment = open(path)?;
    let transaction = environment.read_txn()?;
    let database: Database<Bytes, Bytes> =
        environment.open_database(&transaction, None)?.context("the database is not there")?;
    let mut map = Map::default();
    for entry in database.iter(&transaction)? {
        let (key, value) = entry?;
        map.insert(key.into(), value.into());
    }
    Ok(Recovered::Map(map))
}
