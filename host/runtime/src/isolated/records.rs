//! Batches, emissions and results on their way: many records, as bytes and their lengths.
//!
//! Lengths travel as bytes: a message takes no more memory where it arrives than it has bytes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::bindings::engine::alluvium::checkpoint::types::PackedKeys;
use crate::emitted::Emitted;
use crate::operator::{Batch, ColumnBatch, RecordBatch};

const LEN_BYTES: usize = size_of::<u32>();

/// A batch of records.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum SentBatch<'a> {
    Columns {
        count: u32,
        #[serde(with = "serde_bytes", borrow)]
        field_lens: Cow<'a, [u8]>,
        #[serde(with = "serde_bytes", borrow)]
        fields: Cow<'a, [u8]>,
    },
    Records {
        #[serde(with = "serde_bytes", borrow)]
        lens: Cow<'a, [u8]>,
        #[serde(with = "serde_bytes", borrow)]
        bytes: Cow<'a, [u8]>,
    },
}

impl<'a> SentBatch<'a> {
    pub(super) fn of(batch: &'a Batch) -> Self {
        match batch {
            Batch::Columns(ColumnBatch { count, field_lens, fields }) => {
                Self::Columns { count: *count, field_lens: sent_lens(field_lens).into(), fields: fields.into() }
            }
            Batch::Records(RecordBatch { lens, bytes }) => {
                Self::Records { lens: sent_lens(lens).into(), bytes: bytes.into() }
            }
        }
    }

    pub(super) fn into_batch(self) -> Batch {
        match self {
            Self::Columns { count, field_lens, fields } => {
                Batch::Columns(ColumnBatch { count, field_lens: lens_of(&field_lens), fields: fields.into_owned() })
            }
            Self::Records { lens, bytes } => {
                Batch::Records(RecordBatch { lens: lens_of(&lens), bytes: bytes.into_owned() })
            }
        }
    }
}

pub(super) fn sent_lens(lens: &[u32]) -> Vec<u8> {
    let mut sent = Vec::with_capacity(lens.len() * LEN_BYTES);
    for len in lens {
        sent.extend_from_slice(&len.to_le_bytes());
    }
    sent
}

pub(super) fn lens_of(sent: &[u8]) -> Vec<u32> {
    sent.as_chunks::<LEN_BYTES>().0.iter().map(|&len| u32::from_le_bytes(len)).collect()
}

/// Records that were emitted to one output, or lines of results.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SentRecords {
    /// The length of each record, as four bytes, the lowest first.
    #[serde(with = "serde_bytes")]
    lens: Vec<u8>,
    /// The records, without anything in between.
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

impl SentRecords {
    pub(super) fn of_emitted(emitted: &Emitted) -> Self {
        emitted.records().collect()
    }

    /// The records one by one. The error says that the lengths are not those of the bytes.
    pub(super) fn records(&self) -> Result<impl Iterator<Item = &[u8]>, String> {
        let (lens, []) = self.lens.as_chunks::<LEN_BYTES>() else { return Err("half a length".to_owned()) };
        let sum: u64 = lens.iter().map(|&len| u64::from(u32::from_le_bytes(len))).sum();
        if sum != self.bytes.len() as u64 {
            return Err(format!("records of {sum} bytes in {}", self.bytes.len()));
        }
        let mut rest = self.bytes.as_slice();
        Ok(lens.iter().map(move |&len| {
            let (record, after) = rest.split_at(u32::from_le_bytes(len) as usize);
            rest = after;
            record
        }))
    }
}

impl From<PackedKeys> for SentRecords {
    fn from(PackedKeys { lens, bytes }: PackedKeys) -> Self {
        Self { lens: sent_lens(&lens), bytes }
    }
}

impl SentRecords {
    /// The records as keys, of which there are at most `limit`. The error says why they are not.
    pub(super) fn keys(self, limit: u32) -> Result<PackedKeys, String> {
        let count = self.records()?.count();
        if count > limit as usize {
            return Err(format!("{count} keys, where at most {limit} were asked for"));
        }
        Ok(PackedKeys { lens: lens_of(&self.lens), bytes: self.bytes })
    }
}

impl<'a> FromIterator<&'a [u8]> for SentRecords {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(records: I) -> Self {
        let mut sent = Self::default();
        for record in records {
            // A record is part of a message, and no message has 4 GiB.
            sent.lens.extend_from_slice(&u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes());
            sent.bytes.extend_from_slice(record);
        }
        sent
    }
}
