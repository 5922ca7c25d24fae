//! The checks of one checkpoint and of one WAL file.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::directory::{Directory, DirectoryErrorKind, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::AlluviumFields;
use crate::format::paths::{Name, metadata_path, state_path, wal_path};
use crate::format::segment::{SegmentIdentity, decode_file};
use crate::format::segment_entry::SegmentEntry;
use crate::format::version::FormatVersion;
use crate::format::wal::{WalFault, WalIdentity, decode};
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::{load_state, read_listed_metadata};
use crate::ledger::segment_reader::SegmentSource;
use crate::model::key_groups::KeyGroups;
use crate::model::wanted::Wanted;
use crate::recovery::recover::recover_listed;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint};
use crate::recovery::wal_replay::{ReadAhead, read_wal, replay};
use crate::tools::verify::report::{Severity, VerifyReport};

/// What is known about the files so far.
#[derive(Default)]
pub(super) struct Checked {
    /// The files that some checkpoint names.
    pub(super) named: FxHashSet<String>,
    /// Whether a segment is whole, by what the metadata says about it: name, length, checksum, chunks.
    segments: FxHashMap<(String, u64, u64, u32), bool>,
    /// The WAL files that were replayed after the newest checkpoint, and the one at which the replay ended.
    pub(super) replayed: FxHashSet<String>,
}

/// Verifies the files that one checkpoint names, and recovers it if they are whole.
pub(super) async fn verify_checkpoint<D: Directory>(
    directory: &D,
    stores: &Stores<D>,
    listing: &Listing,
    id: u64,
    checked: &mut Checked,
    report: &mut VerifyReport,
) {
    let metadata = match read_listed_metadata(directory, listing, id).await {
        Ok(metadata) => metadata,
        Err(error) => {
            // What is wrong may be wrong with the list of segments that the metadata names.
            let list = error.place().filter(|place| matches!(Name::parse(place), Name::List(..)));
            let path = list.map_or_else(|| metadata_path(id), str::to_owned);
            checked.named.insert(path.clone());
            return report.find(path, Severity::Damage, error.to_string());
        }
    };
    let list = metadata.alluvium.iter().flat_map(|fields| &fields.list).map(|list| list.file.path());
    checked.named.extend(list);
    let before = report.findings.len();
    let mut is_whole = true;
    if let Some(fields) = &metadata.alluvium {
        let source = SegmentSource::of(directory, stores, fields);
        for entry in &fields.segments {
            let name = entry.name();
            checked.named.insert(name.clone());
            let claim = (name.clone(), entry.bytes, entry.checksum, entry.chunks);
            if let Some(known) = checked.segments.get(&claim) {
                is_whole &= known;
                continue;
            }
            let outcome = verify_segment(&source, listing, id, entry, &entry.identity(fields.store_id)).await;
            is_whole &= outcome.is_ok();
            checked.segments.insert(claim, outcome.is_ok());
            if let Err(error) = outcome {
                report.find(name, Severity::Damage, error.to_string());
            }
        }
    }
    // Alluvium's metadata says whether there is an opaque state. LaminarDB's metadata does not, so the
    // file must be looked for.
    let may_have_state = metadata.alluvium.as_ref().is_none_or(|fields| fields.state_file.is_some())
        || listing.entry(&state_path(id)).is_some_and(|(name, _)| *name == Name::State(id));
    let state = if may_have_state { load_state(directory, id).await.map(drop) } else { Ok(()) };
    match state {
        Ok(()) if !may_have_state => {}
        Ok(()) => {
            checked.named.insert(state_path(id));
        }
        Err(Error::NotFound(_)) => {}
        Err(error) => {
            checked.named.insert(state_path(id));
            report.find(state_path(id), Severity::Damage, error.to_string());
        }
    }
    if !is_whole || report.findings.len() > before {
        return;
    }
    // Every file is whole. What is left to check is whether together they are the state that was
    // checkpointed.
    let options = RecoverOptions::new().checkpoint(Some(id));
    match recover_listed(directory, stores, &options, listing).await {
        Ok(Some(recovered)) => {
            report.checkpoints += 1;
            if listing.checkpoints.last() == Some(&id) {
                replay_wal(directory, listing, recovered, checked, report).await;
            }
        }
        Ok(None) => {}
        Err(error) => report.find(metadata_path(id), Severity::Damage, error.to_string()),
    }
}

/// Verifies every byte of a segment that checkpoint `id` names.
async fn verify_segment<D: Directory>(
    source: &SegmentSource<'_, D>,
    listing: &Listing,
    id: u64,
    entry: &SegmentEntry,
    identity: &SegmentIdentity,
) -> Result<(), Error> {
    let path = entry.path();
    listing.check_length(entry)?;
    let content = source.directory_of(entry)?.read(&path).await.map_err(|error| match error.kind() {
        DirectoryErrorKind::NotFound => Error::corrupt(&path, format!("missing, although checkpoint {id} names it")),
        _ => Error::from(error),
    })?;
    decode_file(&path, identity, &content, entry.checksum)?;
    // Records that no longer count are read too, so that every byte is checked.
    let whole = SegmentEntry { groups: KeyGroups::ALL.to_ranges(), range: None, ..entry.clone() };
    let data = source.read(&whole, None, KeyGroups::ALL).await?;
    data.for_each_chunk(&mut |_| Ok(()))
}

/// Replays the WAL files after the newest checkpoint, as recovery does, and reports where the replay ends early.
async fn replay_wal<D: Directory>(
    directory: &D,
    listing: &Listing,
    mut recovered: RecoveredCheckpoint,
    checked: &mut Checked,
    report: &mut VerifyReport,
) {
    let id = recovered.metadata.id;
    // With permission to fall back, the replay says at which file it ends, and why.
    let options = RecoverOptions::new().allow_fallback(true);
    let replayed = replay(directory, &options, listing, Wanted::ALL, ReadAhead::new(), &mut recovered).await;
    let sequences = listing.wal_after(id).take(usize::try_from(recovered.wal.files).unwrap_or(usize::MAX));
    checked.replayed.extend(sequences.map(|(sequence, _)| wal_path(id, sequence)));
    let failed = match (&recovered.wal.cut, &replayed) {
        (Some(cut), _) => Some(Error::Wal(cut.reason.clone())),
        (None, Err(error)) => Some(error.clone()),
        (None, Ok(())) => None,
    };
    // A newer checkpoint may have made these WAL files unnecessary meanwhile.
    if let Some(failed) = failed
        && listing.clone().renew(directory, None, &failed).await
    {
        return;
    }
    if let Some(cut) = recovered.wal.cut {
        report.find(cut.path.clone(), Severity::Damage, cut.reason);
        checked.replayed.insert(cut.path);
    }
    if let Err(error) = replayed {
        report.find(error.place().unwrap_or_default(), Severity::Damage, error.to_string());
    }
}

/// Verifies one WAL file.
pub(super) async fn verify_wal<D: Directory>(
    directory: &D,
    listing: &Listing,
    (checkpoint, sequence): (u64, u64),
    bytes: u64,
) -> Result<(), Error> {
    let path = wal_path(checkpoint, sequence);
    let is_there = listing.checkpoints.contains(&checkpoint);
    let metadata = if is_there { read_listed_metadata(directory, listing, checkpoint).await.ok() } else { None };
    let fields = metadata.and_then(|metadata| metadata.alluvium);
    let is_known = fields.is_some();
    let fields = if let Some(fields) = fields {
        fields
    } else {
        // The checkpoint may be gone, and the directory's id with it. Then the version and the id in the WAL file
        // itself are used, to which the file's checksums are bound.
        let head = directory.read_range(&path, 0, usize::try_from(bytes.min(32)).unwrap_or_default()).await?;
        let version = head.get(8..10).map_or(0, |version| u16::from_le_bytes([version[0], version[1]]));
        let format = FormatVersion::of_number(version).unwrap_or_default();
        let store_id = head.get(16..32).and_then(|id| id.try_into().ok()).unwrap_or_default();
        AlluviumFields { format, store_id, ..AlluviumFields::default() }
    };
    let content = read_wal(directory, fields.format, &path, bytes).await?;
    let identity = WalIdentity { format: fields.format, store_id: fields.store_id, checkpoint, sequence };
    match decode(identity, &content) {
        Ok(wal) if is_known => wal.records(&fields.namespaces).map(|_| ()),
        Ok(wal) => wal.check(),
        Err(WalFault::Torn(error) | WalFault::Damaged(error)) => Err(error),
    }
}
