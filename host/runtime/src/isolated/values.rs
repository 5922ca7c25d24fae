//! What is in a state on its way: the values of many keys, and pages of walks.
//!
//! As in [`records`](super::records), lengths travel as bytes.

use serde::{Deserialize, Serialize};

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, PackedKeys, PackedValues};
use crate::isolated::records::{lens_of, sent_lens};

/// The values of many keys.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SentValues {
    #[serde(with = "serde_bytes")]
    present: Vec<u8>,
    #[serde(with = "serde_bytes")]
    lens: Vec<u8>,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

impl From<PackedValues> for SentValues {
    fn from(values: PackedValues) -> Self {
        let PackedValues { present, lens, bytes } = values;
        Self { present, lens: sent_lens(&lens), bytes }
    }
}

impl SentValues {
    /// The values of these keys. The error says why they are not.
    pub(super) fn of(self, keys: &PackedKeys) -> Result<PackedValues, String> {
        let Self { present, lens, bytes } = self;
        let lens = lens_of(&lens);
        if present.len() != keys.lens.len() || lens.len() != keys.lens.len() {
            return Err(format!("{} values for {} keys", lens.len().max(present.len()), keys.lens.len()));
        }
        if sum(&lens) != bytes.len() as u64 {
            return Err(format!("values of {} bytes in {}", sum(&lens), bytes.len()));
        }
        Ok(PackedValues { present, lens, bytes })
    }
}

/// A page of a walk.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SentPage {
    #[serde(with = "serde_bytes")]
    ops: Vec<u8>,
    #[serde(with = "serde_bytes")]
    key_lens: Vec<u8>,
    #[serde(with = "serde_bytes")]
    value_lens: Vec<u8>,
    #[serde(with = "serde_bytes")]
    keys: Vec<u8>,
    #[serde(with = "serde_bytes")]
    values: Vec<u8>,
}

impl From<Columns> for SentPage {
    fn from(page: Columns) -> Self {
        let Columns { ops, key_lens, value_lens, keys, values } = page;
        Self { ops, key_lens: sent_lens(&key_lens), value_lens: sent_lens(&value_lens), keys, values }
    }
}

impl SentPage {
    /// The page, if it has at most `limit` entries. The error says why it is none.
    pub(super) fn of(self, limit: u32) -> Result<Columns, String> {
        let Self { ops, key_lens, value_lens, keys, values } = self;
        let (key_lens, value_lens, entries) = (lens_of(&key_lens), lens_of(&value_lens), ops.len());
        if entries as u64 > u64::from(limit) || key_lens.len() != entries || value_lens.len() != entries {
            return Err(format!("a page of {entries} entries, where at most {limit} were asked for"));
        }
        if sum(&key_lens) != keys.len() as u64 || sum(&value_lens) != values.len() as u64 {
            return Err("a page whose lengths are not those of its bytes".to_owned());
        }
        Ok(Columns { ops, key_lens, value_lens, keys, values })
    }
}

fn sum(lens: &[u32]) -> u64 {
    lens.iter().map(|&len| u64::from(len)).sum()
}
