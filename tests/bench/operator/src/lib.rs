//! The operator of the benchmarks. It keeps how many records each key had, and the newest value.
//!
//! It is built as a component, and natively over an ordinary map: the same code is its own rival.

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Batch, Codec, Description, Failure, Map, Rows};

#[derive(Row)]
struct Record {
    key: String,
    value: String,
}

/// What is kept of a key. In the state it is the count in eight bytes, little-endian, and the value.
struct Kept {
    count: u64,
    value: Vec<u8>,
}

impl Codec for Kept {
    fn encode(&self) -> Vec<u8> {
        [&self.count.to_le_bytes()[..], &self.value].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (count, value) = bytes.split_first_chunk().ok_or("an entry without a count")?;
        Ok(Self { count: u64::from_le_bytes(*count), value: value.to_vec() })
    }
}

struct Newest {
    rows: Rows<Record>,
    kept: Map<String, Kept>,
}

/// Makes the operator.
pub fn newest() -> impl Operator {
    Newest { rows: Rows::default(), kept: Map::new("newest") }
}
alluvium_plugin::export!(newest);

impl Operator for Newest {
    fn describe(&self) -> Description {
        Description::new("newest").input("records").namespace(self.kept.namespace())
    }

    fn begin(&mut self, _: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let records = self.rows.read(batch)?;
        self.kept.prefetch(records.iter().map(|record| &record.key), context)?;
        for Record { key, value } in records {
            let count = self.kept.get(&key, context)?.map_or(1, |kept| kept.count + 1);
            self.kept.set(&key, &Kept { count, value: value.into_bytes() }, context)?;
        }
        Ok(())
    }
}
