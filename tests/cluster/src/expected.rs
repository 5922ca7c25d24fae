//! What a job must come to, counted by hand.

use std::collections::BTreeMap;

use alluvium_core::model::hash::{entry_digest, key_hash, value_hash};

use crate::counts::word;

/// What the records of a job come to.
#[derive(Debug, Default)]
pub struct Expected {
    counts: BTreeMap<String, u64>,
    /// The output, in the order in which the records were counted.
    pub output: Vec<String>,
}

impl Expected {
    /// Counts records, of which each count that `every` divides is emitted.
    pub fn of<'r>(records: impl IntoIterator<Item = &'r String>, every: u64) -> Self {
        let mut expected = Self::default();
        for record in records {
            let word = String::from_utf8_lossy(word(record.as_bytes())).into_owned();
            let count = expected.counts.entry(word.clone()).or_default();
            *count += 1;
            if count.is_multiple_of(every) {
                expected.output.push(format!("{word} {count}"));
            }
        }
        expected
    }

    /// Returns the number of keys, and the digest of the state.
    pub fn state(&self) -> (u64, u64) {
        let digest =
            |(word, count): (&String, &u64)| entry_digest(key_hash(word.as_bytes()), value_hash(&count.to_le_bytes()));
        (self.counts.len() as u64, self.counts.iter().map(digest).fold(0, u64::wrapping_add))
    }
}

/// Returns the records of partitions in the order in which epochs of so many records of each have them.
pub fn in_epochs(partitions: &[Vec<String>], epoch_records: usize) -> Vec<&String> {
    let longest = partitions.iter().map(Vec::len).max().unwrap_or(0);
    let epochs = 0..=longest / epoch_records;
    let of_epoch = |epoch| {
        partitions.iter().flat_map(move |records| records.iter().skip(epoch * epoch_records).take(epoch_records))
    };
    epochs.flat_map(of_epoch).collect()
}
