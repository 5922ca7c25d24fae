//! `SQLite`: one transaction for each epoch, committed at the barrier into a synced write-ahead log.

use std::path::Path;

use alluvium_bench::contender::{Contender, Epoch, Kind, Map, Recovered};
use alluvium_bench::measure::timed;
use alluvium_bench::workload::Records;
use anyhow::Result;
use rusqlite::Connection;

pub(crate) const KIND: Kind =
    Kind { name: "sqlite", open: |path| Ok(Box::new(Sqlite { connection: open(path)? })), recover };

struct Sqlite {
    connection: Connection,
}

fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path.join("state.sqlite"))?;
    // In a write-ahead log only `full` syncs every commit.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -(256 << 10))?;
    connection.execute_batch("create table if not exists state (key blob primary key, value blob) without rowid")?;
    Ok(connection)
}

impl Contender for Sqlite {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let (apply_us, transaction) = timed(|| -> Result<_> {
            let transaction = self.connection.transaction()?;
            let mut put = transaction.prepare("insert or replace into state values (?1, ?2)")?;
            for (key, value) in records.iter() {
                put.execute((key, value))?;
            }
            drop(put);
            Ok(transaction)
        });
        let transaction = transaction?;
        let (stall_us, committed) = timed(|| transaction.commit());
        committed?;
        Ok(Epoch { apply_us, stall_us, durable_us: stall_us })
    }
}

fn recover(path: &Path) -> Result<Recovered> {
    let connection = open(path)?;
    let mut map = Map::default();
    let mut select = connection.prepare("select key, value from state")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        map.insert(row.get_ref(0)?.as_blob()?.into(), row.get_ref(1)?.as_blob()?.into());
    }
    Ok(Recovered::Map(map))
}
