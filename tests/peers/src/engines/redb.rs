//! redb: one write transaction for each epoch, committed at the barrier.

use std::path::Path;

use alluvium_bench::contender::{Contender, Epoch, Kind, Map, Recovered};
use alluvium_bench::measure::timed;
use alluvium_bench::workload::Records;
use anyhow::Result;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("state");

pub(crate) const KIND: Kind =
    Kind { name: "redb", open: |path| Ok(Box::new(Redb { database: Database::create(file(path))? })), recover };

struct Redb {
    database: Database,
}

fn file(path: &Path) -> std::path::PathBuf {
    path.join("state.redb")
}

impl Contender for Redb {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let (apply_us, transaction) = timed(|| -> Result<_> {
            let transaction = self.database.begin_write()?;
            {
                let mut table = transaction.open_table(TABLE)?;
                for (key, value) in records.iter() {
                    table.insert(key, value)?;
                }
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
    let database = Database::open(file(path))?;
    let table = database.begin_read()?.open_table(TABLE)?;
    let mut map = Map::default();
    for entry in table.iter()? {
        let (key, value) = entry?;
        map.insert(key.value().into(), value.value().into());
    }
    Ok(Recovered::Map(map))
}
