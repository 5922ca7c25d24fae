//! LaminarDB's way made safe: the whole state into a new file in every epoch, synced before it
//! gets its name, and its name synced.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustc_hash::FxHashMap;

use crate::contender::{Contender, Epoch, Kind, Map, Recovered};
use crate::measure::timed;
use crate::workload::Records;

/// The full writer among the contenders.
pub const KIND: Kind = Kind {
    name: "full rewrite",
    open: |path| Ok(Box::new(Full { map: FxHashMap::default(), path: path.to_owned(), buffer: Vec::new() })),
    recover: recover_full,
};

struct Full {
    map: FxHashMap<Vec<u8>, Vec<u8>>,
    path: PathBuf,
    buffer: Vec<u8>,
}

impl Contender for Full {
    fn epoch(&mut self, records: &Records) -> Result<Epoch> {
        let (apply_us, ()) = timed(|| self.apply(records));
        // The stream waits while the state is copied; the copy can be written behind its back.
        let (stall_us, ()) = timed(|| {
            self.buffer.clear();
            for (key, value) in &self.map {
                self.buffer.extend_from_slice(&(key.len() as u64).to_le_bytes());
                self.buffer.extend_from_slice(key);
                self.buffer.extend_from_slice(&(value.len() as u64).to_le_bytes());
                self.buffer.extend_from_slice(value);
            }
        });
        let (write_us, written) = timed(|| -> Result<()> {
            let temporary = self.path.join("state.tmp");
            let mut file = File::create(&temporary)?;
            file.write_all(&self.buffer)?;
            file.sync_data()?;
            std::fs::rename(&temporary, self.path.join("state.bin"))?;
            File::open(&self.path)?.sync_all()?;
            Ok(())
        });
        written?;
        Ok(Epoch { apply_us, stall_us, durable_us: stall_us + write_us })
    }

    fn unmeasured(&mut self, records: &Records) -> Result<()> {
        self.apply(records);
        Ok(())
    }
}

impl Full {
    fn apply(&mut self, records: &Records) {
        for (key, value) in records.iter() {
            self.map.insert(key.to_vec(), value.to_vec());
        }
    }
}

fn recover_full(path: &Path) -> Result<Recovered> {
    let bytes = std::fs::read(path.join("state.bin"))?;
    let mut rest = &bytes[..];
    let mut map = Map::default();
    while !rest.is_empty() {
        let (key, value);
        (key, rest) = field(rest).context("state.bin is cut short")?;
        (value, rest) = field(rest).context("state.bin is cut short")?;
        map.insert(key.into(), value.into());
    }
    Ok(Recovered::Map(map))
}

fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u64::from_le_bytes(*length) as usize)
}
