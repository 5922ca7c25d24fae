//! Recovers a state that is made of parts of checkpoints in several directories.

use std::sync::Arc;

use crate::directory::{Directory, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::{AlluviumFields, IncrementalCheckpointMetadata};
use crate::format::segment::SegmentKind;
use crate::format::segment_entry::SegmentEntry;
use crate::ledger::metadata_reader::read_metadata;
use crate::ledger::prefetch::Prefetch;
use crate::ledger::segment_reader::SegmentSource;
use crate::model::hash_range::HashRange;
use crate::model::key_groups::{KeyGroups, group_of};
use crate::model::namespace::Namespaces;
use crate::model::position::StreamPosition;
use crate::model::wanted::Wanted;
use crate::recovery::features::check_features;
use crate::recovery::load::{Loaded, load};

/// A part of a checkpoint: its entries whose hashes are in a range.
///
/// [`IncrementalCheckpointManager::open_parts`](crate::IncrementalCheckpointManager::open_parts) has an example.
#[derive(Debug)]
pub struct Part<D> {
    directory: Arc<D>,
    checkpoint: u64,
    range: HashRange,
}

impl<D> Clone for Part<D> {
    fn clone(&self) -> Self {
        Self { directory: Arc::clone(&self.directory), ..*self }
    }
}

impl<D> Part<D> {
    /// Returns the part of checkpoint `checkpoint` of a directory whose hashes are in `range`.
    pub fn new(directory: Arc<D>, checkpoint: u64, range: HashRange) -> Self {
        Self { directory, checkpoint, range }
    }

    /// Returns the same part, with the directory that `wrap` makes of it.
    pub fn map<E>(&self, wrap: impl FnOnce(&Arc<D>) -> Arc<E>) -> Part<E> {
        Part { directory: wrap(&self.directory), checkpoint: self.checkpoint, range: self.range }
    }

    /// Returns the range of hashes.
    pub fn range(&self) -> HashRange {
        self.range
    }
}

/// About so long the metadata of a checkpoint is, in bytes.
const METADATA_BYTES: u64 = 64 << 10;

/// A state that was recovered from parts.
pub(crate) struct RecoveredParts<D> {
    pub(crate) loaded: Loaded,
    pub(crate) position: StreamPosition,
    pub(crate) namespaces: Namespaces,
    /// The directories that hold the segments.
    pub(crate) stores: Stores<D>,
}

/// Recovers the state that the parts make together. `stores` has the directories of segments that the parts
/// themselves name elsewhere.
pub(crate) async fn recover_parts<D: Directory>(
    parts: &[Part<D>],
    mut stores: Stores<D>,
) -> Result<RecoveredParts<D>, Error> {
    check_apart(parts)?;
    let mut first: Option<(String, StreamPosition, Namespaces)> = None;
    let mut entries: Vec<SegmentEntry> = Vec::new();
    let mut in_order: Vec<&Part<D>> = parts.iter().collect();
    in_order.sort_unstable_by_key(|part| part.range.first());
    let read = async |part: &Part<D>| read_metadata(&*part.directory, part.checkpoint).await;
    let mut read_ahead = Prefetch::new(in_order.iter().map(|part| (METADATA_BYTES, read(part))));
    for part in &in_order {
        let Some(metadata) = read_ahead.next().await.transpose()? else { break };
        let fields = keyed(&metadata, part.range)?;
        let name = format!("checkpoint {} of the store {:032x}", metadata.id, u128::from_be_bytes(fields.store_id));
        let (position, namespaces) = (metadata.position(), fields.namespaces.clone());
        match &first {
            None => first = Some((name, position, namespaces)),
            Some((other, _, declared)) if *declared != namespaces => {
                return Err(Error::InvalidInput(format!("{name} declares other namespaces than {other}")));
            }
            Some((other, at, _)) if *at != position => {
                return Err(Error::InvalidInput(format!("{name} is at another position in the stream than {other}")));
            }
            Some(_) => {}
        }
        for entry in fields.segments.iter().filter_map(|entry| narrowed(entry, fields.store_id, part.range)) {
            add(&mut entries, entry);
        }
        stores = stores.with(fields.store_id, part.directory.clone());
    }
    entries.sort_by_key(SegmentEntry::order);
    let (_, position, namespaces) = first.unwrap_or_default();
    // No segment is in the directory itself, so the first one stands for it.
    let loaded = match parts.first() {
        Some(part) => {
            let source = SegmentSource::new(&*part.directory, &stores, [0; 16], namespaces.clone());
            load(&source, &entries, namespaces.clone(), Wanted::ALL).await?
        }
        None => Loaded::default(),
    };
    Ok(RecoveredParts { loaded, position, namespaces, stores })
}

/// Checks that no hash is in two parts.
fn check_apart<D>(parts: &[Part<D>]) -> Result<(), Error> {
    let mut ranges: Vec<HashRange> = parts.iter().map(Part::range).collect();
    ranges.sort_unstable_by_key(|range| range.first());
    for pair in ranges.windows(2) {
        if let Some(both) = pair[0].intersection(pair[1]) {
            let (first, last) = (both.first(), both.last());
            return Err(Error::InvalidInput(format!("the hashes {first:016x} to {last:016x} are in two parts")));
        }
    }
    Ok(())
}

/// Returns what a checkpoint says of its keyed state, of which a part in `range` is wanted.
fn keyed(metadata: &IncrementalCheckpointMetadata, range: HashRange) -> Result<&AlluviumFields, Error> {
    let id = metadata.id;
    let Some(fields) = &metadata.alluvium else {
        return Err(Error::InvalidInput(format!("checkpoint {id} was written by LaminarDB and has no keyed state")));
    };
    check_features(id, fields)?;
    let owned = fields.range.unwrap_or_default();
    if !owned.covers(range.first(), range.last()) {
        let (first, last) = (range.first(), range.last());
        let what = format!("the hashes {first:016x} to {last:016x} are wanted of checkpoint {id}");
        let owned = format!("its directory has {:016x} to {:016x}", owned.first(), owned.last());
        return Err(Error::InvalidInput(format!("{what}, but {owned}")));
    }
    Ok(fields)
}

/// Adds an entry. Where it continues the range of another entry of the same base, the two become one. Deltas stay
/// apart, because their order counts, and it may differ from part to part.
fn add(entries: &mut Vec<SegmentEntry>, entry: SegmentEntry) {
    let joined = entries.iter_mut().filter(|other| other.kind == SegmentKind::Base && other.is_same_file(&entry));
    for other in joined {
        let (Some(lower), Some(upper)) = (other.range, entry.range) else { continue };
        let (last, first) = (lower.last(), upper.first());
        // A key group that the cut divides must count on both sides of it, or on none.
        let divided = KeyGroups::range(group_of(last), group_of(last));
        let counts = |entry: &SegmentEntry| !entry.live().groups.intersection(divided).is_empty();
        if last.checked_add(1) == Some(first) && (group_of(last) != group_of(first) || counts(other) == counts(&entry))
        {
            let range = HashRange::new(lower.first(), upper.last()).unwrap_or_default();
            other.groups = other.live().groups.union(entry.live().groups).to_ranges();
            other.range = (range != HashRange::ALL).then_some(range);
            return;
        }
    }
    entries.push(entry);
}

/// Returns the entry of a segment of the directory `store` as another directory names it, or `None` if none of
/// what counts of it is in the range.
fn narrowed(entry: &SegmentEntry, store: [u8; 16], range: HashRange) -> Option<SegmentEntry> {
    let range = entry.range.unwrap_or_default().intersection(range)?;
    let groups = entry.live().groups.intersection(range.groups());
    let is_all = range == HashRange::ALL;
    (!groups.is_empty()).then(|| SegmentEntry {
        store: Some(entry.store.unwrap_or(store)),
        groups: groups.to_ranges(),
        range: (!is_all).then_some(range),
        ..entry.clone()
    })
}
