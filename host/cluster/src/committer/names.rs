//! Gives what belongs to an epoch the names of inputs and partitions, which workers know by their numbers.

use std::collections::BTreeMap;

use alluvium_connectors::source::FilePosition;
use alluvium_core::job::Commit;
use alluvium_core::model::position::ByPartition;

use super::Committing;
use crate::lag::Lag;
use crate::left_out::{BadRecord, LeftOut};
use crate::message::EpochPosition;
use crate::storage::Storage;

impl<S: Storage> Committing<S> {
    /// Returns the commit of a position in the stream.
    pub(super) fn at(&self, position: EpochPosition) -> Commit {
        Commit {
            watermark: position.watermark,
            positions: self.by_partition(position.positions),
            watermarks: self.by_partition(position.times),
            ..Commit::default()
        }
    }

    /// Gives what belongs to partitions the names of inputs and partitions.
    pub(super) fn by_partition<T>(&self, values: impl IntoIterator<Item = ((u32, u32), T)>) -> ByPartition<T> {
        let mut named = ByPartition::new();
        for (place, value) in values {
            if let Some((input, partition)) = self.name(place) {
                named.entry(input.to_owned()).or_insert_with(BTreeMap::new).insert(partition.to_owned(), value);
            }
        }
        named
    }

    fn name(&self, (input, partition): (u32, u32)) -> Option<(&str, &str)> {
        let (input, partitions) = self.partitions.get(input as usize)?;
        Some((input, partitions.get(partition as usize)?))
    }

    /// Names a record that is left out of an epoch.
    pub(super) fn left_out(&self, epoch: u64, record: BadRecord) -> Option<LeftOut> {
        let (input, partition) = self.name((record.input, record.partition))?;
        let number = u64::from(record.number) + 1;
        // The epoch begins where the one before ended.
        let begun = self.log.manifest().position.positions.get(input).and_then(|of_input| of_input.get(partition));
        let before = begun.map_or(Some(0), |begun| FilePosition::read(begun).map(|position| position.records));
        Some(LeftOut {
            input: input.to_owned(),
            partition: partition.to_owned(),
            epoch,
            number,
            number_in_partition: before.map(|before| before + number),
            error: record.error,
            is_refused: record.is_refused,
            columns: record.columns,
            fields: record.fields,
        })
    }
}

/// The lag of each input, as JSON.
pub(super) fn lag_of_inputs(lags: &ByPartition<Lag>) -> String {
    let of_input = |partitions: &BTreeMap<String, Lag>| partitions.values().copied().sum::<Lag>();
    let inputs: BTreeMap<&str, Lag> = lags.iter().map(|(input, of)| (input.as_str(), of_input(of))).collect();
    // Texts and numbers are always JSON.
    serde_json::to_string(&inputs).unwrap_or_default()
}
