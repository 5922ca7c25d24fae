//! Finds what changed between two checkpoints of a directory, by reading the files that they do not share.
//!
//! There are three cases for each key group. If both checkpoints name the same files, nothing is read. If
//! the later checkpoint added deltas, these are read, and of the earlier state only the values of their keys
//! are kept. If the files were rewritten in between, the whole group is compared.

mod values;

use crate::directory::{Directory, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::AlluviumFields;
use crate::format::segment::SegmentKind;
use crate::format::segment_entry::SegmentEntry;
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::read_listed_metadata;
use crate::ledger::segment_reader::SegmentSource;
use crate::model::key_groups::KEY_GROUPS;
use crate::model::key_groups::KeyGroups;
use crate::model::namespace::{DEFAULT_NAMESPACE, Namespaces};
use crate::model::record::Record;
use crate::recovery::features::check_features;
use crate::tools::diff::values::Values;

/// About how many bytes of files are compared in one step when whole groups are compared.
const STEP_BYTES: u64 = 64 << 20;

/// A key whose value differs between the two checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyChange {
    /// The namespace of the key, as the two checkpoints declare it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub namespace: u32,
    /// The key.
    pub key: Vec<u8>,
    /// The key's value in the first checkpoint. It is `None` if the key was not there.
    pub before: Option<Vec<u8>>,
    /// The key's value in the second checkpoint. It is `None` if the key is not there.
    pub after: Option<Vec<u8>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_default(namespace: &u32) -> bool {
    *namespace == DEFAULT_NAMESPACE
}

/// How two checkpoints differ.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// Every key that differs, in the order of namespaces, and in the order of keys in each.
    pub changes: Vec<KeyChange>,
    /// How many bytes of segments were read for the comparison.
    pub bytes_read: u64,
    /// How many of the 64 key groups were compared whole, because compaction rewrote their files in between.
    pub groups_compared_whole: u32,
    /// The namespaces that either of them declares.
    #[serde(default, skip_serializing_if = "Namespaces::is_empty")]
    pub namespaces: Namespaces,
}

/// Compares the keyed state of checkpoint `before` with that of checkpoint `after`. Either may be the older.
///
/// - A checkpoint that does not exist is [`NotFound`](Error::NotFound).
/// - A checkpoint that LaminarDB wrote has no keyed state and is [`InvalidInput`](Error::InvalidInput).
/// - A checkpoint with segments in other directories is [`InvalidInput`](Error::InvalidInput) too.
/// - A damaged file is [`Corruption`](Error::Corruption) or [`CrcMismatch`](Error::CrcMismatch).
///
/// It needs memory for what changed, and for the largest group that is compared whole.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_core::directory::{MemoryDirectory, block_on};
/// use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions, tools::diff};
///
/// let directory = Arc::new(MemoryDirectory::new());
/// let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
/// let mut manager = block_on(IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options))?;
/// manager.put(b"kept", b"1")?;
/// manager.put(b"counted", b"1")?;
/// let first = block_on(manager.create_checkpoint(0))?;
/// manager.put(b"counted", b"2")?;
/// let second = block_on(manager.create_checkpoint(0))?;
///
/// let difference = block_on(diff::diff(&*directory, first.id, second.id))?;
/// assert_eq!(difference.changes.len(), 1);
/// assert_eq!(difference.changes[0].key, b"counted");
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
pub async fn diff<D: Directory>(directory: &D, before: u64, after: u64) -> Result<Difference, Error> {
    let mut listing = Listing::take(directory).await?;
    let error = match diff_listed(directory, &listing, before, after).await {
        Ok(difference) => return Ok(difference),
        Err(error) => error,
    };
    // What a writer has deleted meanwhile is not damaged.
    for id in [before, after] {
        if listing.checkpoints.contains(&id) && listing.renew(directory, Some(id), &error).await {
            return Err(Error::NotFound(format!("checkpoint {id} was deleted while it was compared")));
        }
    }
    Err(error)
}

/// Compares two checkpoints of a listing.
async fn diff_listed<D: Directory>(
    directory: &D,
    listing: &Listing,
    before: u64,
    after: u64,
) -> Result<Difference, Error> {
    let older = keyed(directory, listing, before.min(after)).await?;
    let newer = keyed(directory, listing, before.max(after)).await?;
    let stores = Stores::new();
    // Both may declare namespaces that the other does not know.
    let namespaces = newer.namespaces.and(&older.namespaces)?;
    let source = SegmentSource::new(directory, &stores, newer.store_id, namespaces.clone());
    let mut compared = Comparison { source, bytes_read: 0, changes: Vec::new() };

    let mut continued = KeyGroups::NONE;
    let mut rewritten = KeyGroups::NONE;
    for group in 0..KEY_GROUPS {
        let one = KeyGroups::range(group, group);
        let (old, new) = (of_groups(&older.segments, one), of_groups(&newer.segments, one));
        let same = old.iter().zip(&new).take_while(|(old, new)| is_same_file(old, new)).count();
        let only_deltas = new[same..].iter().all(|entry| entry.kind == SegmentKind::Delta);
        match (same == old.len(), only_deltas) {
            (true, _) if new.len() == same => {}
            (true, true) => continued = continued.union(one),
            _ => rewritten = rewritten.union(one),
        }
    }
    compared.continued(&older, &newer, continued).await?;
    for step in steps(&older, &newer, rewritten) {
        compared.rewritten(&older, &newer, step).await?;
    }

    let Comparison { bytes_read, mut changes, .. } = compared;
    changes.sort_unstable_by(|a, b| (a.namespace, &a.key).cmp(&(b.namespace, &b.key)));
    if before > after {
        for change in &mut changes {
            std::mem::swap(&mut change.before, &mut change.after);
        }
    }
    let groups_compared_whole = (0..KEY_GROUPS).filter(|&group| rewritten.contains(group)).count() as u32;
    Ok(Difference { changes, bytes_read, groups_compared_whole, namespaces })
}

/// A comparison that is in progress.
struct Comparison<'d, D> {
    source: SegmentSource<'d, D>,
    bytes_read: u64,
    changes: Vec<KeyChange>,
}

impl<D: Directory> Comparison<'_, D> {
    /// Compares groups to which the newer checkpoint added deltas: the records of these deltas with the
    /// earlier values of their keys.
    async fn continued(
        &mut self,
        older: &AlluviumFields,
        newer: &AlluviumFields,
        groups: KeyGroups,
    ) -> Result<(), Error> {
        let inherited = |entry: &&SegmentEntry| older.segments.iter().any(|old| is_same_file(old, entry));
        let added = of_groups(&newer.segments, groups).into_iter().filter(|entry| !inherited(entry));
        let mut after = Values::default();
        for entry in added.collect::<Vec<_>>() {
            self.read(entry, groups, |record| after.set(record)).await?;
        }
        let mut before = Values::default();
        for entry in of_groups(&older.segments, groups) {
            self.read(entry, groups, |record| {
                if after.get(record.namespace, record.key).is_some() {
                    before.set(record);
                }
            })
            .await?;
        }
        self.compare(&before, &after);
        Ok(())
    }

    /// Compares groups whose files were rewritten, by reading both states whole.
    async fn rewritten(
        &mut self,
        older: &AlluviumFields,
        newer: &AlluviumFields,
        groups: KeyGroups,
    ) -> Result<(), Error> {
        let mut states = [Values::default(), Values::default()];
        for (values, fields) in states.iter_mut().zip([older, newer]) {
            for entry in of_groups(&fields.segments, groups) {
                self.read(entry, groups, |record| values.set(record)).await?;
            }
        }
        let [before, mut after] = states;
        for (namespace, key, _) in before.iter() {
            if after.get(namespace, key).is_none() {
                after.set(&Record { namespace, key, ..Record::default() });
            }
        }
        self.compare(&before, &after);
        Ok(())
    }

    /// Notes every key of `after` whose value differs from that in `before`.
    fn compare(&mut self, before: &Values, after: &Values) {
        let changes = after.iter().filter_map(|(namespace, key, after)| {
            let before = before.get(namespace, key).cloned().flatten();
            let change = || KeyChange { namespace, key: key.to_vec(), before: before.clone(), after: after.clone() };
            (before != *after).then(change)
        });
        self.changes.extend(changes);
    }

    /// Calls `each` for every record that a segment holds of `groups`.
    async fn read(
        &mut self,
        entry: &SegmentEntry,
        groups: KeyGroups,
        mut each: impl FnMut(&Record<'_>),
    ) -> Result<(), Error> {
        let data = self.source.read(entry, None, groups).await?;
        self.bytes_read += data.bytes_read;
        data.for_each(|record| {
            each(&record);
            Ok(())
        })
    }
}

/// Reads what the metadata of a checkpoint says about its keyed state, and holds it to the files.
async fn keyed<D: Directory>(directory: &D, listing: &Listing, id: u64) -> Result<AlluviumFields, Error> {
    let fields = read_listed_metadata(directory, listing, id).await?.alluvium.ok_or_else(|| {
        Error::InvalidInput(format!("checkpoint {id} was written by LaminarDB: its state is opaque and has no keys"))
    })?;
    check_features(id, &fields)?;
    fields.segments.iter().try_for_each(|entry| listing.check_length(entry))?;
    Ok(fields)
}

/// Returns the segments that count for any of `groups`, in the order in which recovery applies them.
fn of_groups(segments: &[SegmentEntry], groups: KeyGroups) -> Vec<&SegmentEntry> {
    let counts = |entry: &&SegmentEntry| !KeyGroups::of_ranges(&entry.groups).intersection(groups).is_empty();
    segments.iter().filter(counts).collect()
}

/// Tells whether two entries name the same file and the same range of it. The groups that count may differ.
fn is_same_file(a: &SegmentEntry, b: &SegmentEntry) -> bool {
    a.is_same_file(b) && a.checksum == b.checksum && a.range == b.range
}

/// Splits the groups that are compared whole into steps of about [`STEP_BYTES`] each.
fn steps(older: &AlluviumFields, newer: &AlluviumFields, groups: KeyGroups) -> Vec<KeyGroups> {
    let total: u64 = [older, newer].iter().flat_map(|fields| &fields.segments).map(|entry| entry.bytes).sum();
    let each = (STEP_BYTES * u64::from(KEY_GROUPS) / total.max(1)).clamp(1, u64::from(KEY_GROUPS)) as u16;
    let step = |first: u16| KeyGroups::range(first, (first + each).min(KEY_GROUPS) - 1).intersection(groups);
    (0..KEY_GROUPS).step_by(usize::from(each)).map(step).filter(|step| !step.is_empty()).collect()
}
