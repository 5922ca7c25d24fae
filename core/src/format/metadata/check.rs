//! The rules that hold between the fields of the metadata.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::segment_entry::SegmentEntry;
use crate::model::hash_range::HashRange;
use crate::model::key_groups::{KEY_GROUPS, KeyGroups};

impl IncrementalCheckpointMetadata {
    /// Checks the rules between the fields. A violation is [`Deserialization`](Error::Deserialization).
    pub(super) fn check(&self, place: &str) -> Result<(), Error> {
        let Some(fields) = &self.alluvium else {
            return Ok(());
        };
        if SegmentEntry::own_paths(&fields.segments) != self.sst_files {
            return Err(Error::unknown(place, "sst_files and segments name different files"));
        }
        let is_before = |a: &SegmentEntry, b: &SegmentEntry| match (a.store, b.store) {
            (Some(_), Some(_)) => a.order() <= b.order(),
            _ => a.order() < b.order(),
        };
        let names: BTreeSet<String> = fields.segments.iter().map(SegmentEntry::name).collect();
        if !fields.segments.is_sorted_by(is_before) || names.len() < fields.segments.len() {
            return Err(Error::unknown(place, "segments are not bases and then deltas, each by checkpoint and number"));
        }
        // A file of another directory may be named several times, for different ranges of its records.
        let mut same: BTreeMap<String, Vec<HashRange>> = BTreeMap::new();
        for entry in fields.segments.iter().filter(|entry| entry.store.is_some()) {
            let range = entry.range.unwrap_or_default();
            let others = same.entry(SegmentEntry { range: None, ..entry.clone() }.name()).or_default();
            if others.iter().any(|other| other.intersection(range).is_some()) {
                return Err(Error::unknown(format!("{place}: {}", entry.path()), "is named twice for the same hashes"));
            }
            others.push(range);
        }
        if fields.segments.iter().any(|entry| entry.store == Some(fields.store_id)) {
            return Err(Error::unknown(place, "names its own directory as another one"));
        }
        let mut covered = vec![false; usize::from(KEY_GROUPS)];
        for entry in &fields.segments {
            let at = || format!("{place}: {}", entry.path());
            let table = u64::from(entry.chunks) * entry.format.chunk_entry_bytes() as u64;
            if entry.bytes < entry.format.header_bytes() as u64 + table {
                return Err(Error::unknown(at(), "shorter than its own chunk table"));
            }
            let apart = entry.groups.is_sorted_by(|a, b| a.1 < b.0);
            let sound = entry.groups.iter().all(|(first, last)| first <= last && *last < KEY_GROUPS);
            if entry.groups.is_empty() || !apart || !sound {
                return Err(Error::unknown(at(), "key groups are not ascending ranges"));
            }
            if entry
                .range
                .is_some_and(|range| KeyGroups::of_ranges(&entry.groups).intersection(range.groups()).is_empty())
            {
                return Err(Error::unknown(at(), "no record is in its key groups and in its range"));
            }
            for (first, last) in &entry.groups {
                covered[usize::from(*first)..=usize::from(*last)].fill(true);
            }
        }
        if self.key_count > 0 && !covered.contains(&true) {
            return Err(Error::unknown(place, "names keys but no segment that holds them"));
        }
        Ok(())
    }
}
