//! What the source holds: its checkpoints, and the WAL after the newest one.

use std::collections::BTreeMap;

use crate::directory::{Directory, DirectoryErrorKind, EntryKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::{Name, metadata_path, state_path, wal_path};
use crate::format::version::FormatVersion;
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::read_listed_metadata;
use crate::recovery::wal_replay::read_wal;
use crate::tools::verify::{Finding, Severity};

/// One checkpoint of the source.
pub(super) struct Planned {
    /// The bytes of its metadata.
    pub(super) metadata: Vec<u8>,
    /// Its other files, and their lengths in bytes.
    pub(super) files: BTreeMap<String, u64>,
    /// The version of the format of its metadata, and of the WAL after it.
    pub(super) format: FormatVersion,
}

/// What is to be in the backup.
pub(super) struct Plan {
    /// The id of the source.
    pub(super) store_id: [u8; 16],
    /// The whole checkpoints by their ids.
    pub(super) checkpoints: BTreeMap<u64, Planned>,
    /// The WAL files after the newest of them, by sequence.
    pub(super) wal: BTreeMap<u64, Vec<u8>>,
    /// The newest checkpoint that the source shows, whole or not.
    pub(super) newest_shown: u64,
    /// The highest checkpoint that was deleted on purpose. Those between the newest and this one went before it or with
    /// it.
    pub(super) deleted_up_to: u64,
    /// What is damaged, so that it is not in the backup.
    pub(super) findings: Vec<Finding>,
}

/// Returns a finding of damage.
pub(super) fn damage(path: &str, what: impl std::fmt::Display) -> Finding {
    Finding { path: path.to_owned(), severity: Severity::Damage, what: what.to_string() }
}

/// Tells whether a failed read says that the file is damaged or gone, and not that the storage is in trouble.
pub(super) fn is_about_file(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() == DirectoryErrorKind::NotFound,
        Error::InvalidInput(_) => false,
        _ => true,
    }
}

/// Tells whether a checkpoint does not exist any more.
pub(super) async fn is_gone<D: Directory>(directory: &D, id: u64) -> bool {
    let read = directory.read_range(&metadata_path(id), 0, 0).await;
    read.is_err_and(|error| error.kind() == DirectoryErrorKind::NotFound)
}

impl Plan {
    /// Reads what the source says about its checkpoints, and the WAL. Returns `None` if a writer has moved on since the
    /// listing was taken, so that the newest checkpoint is another one.
    pub(super) async fn read<S: Directory>(source: &S, listing: &Listing) -> Result<Option<Self>, Error> {
        let Some(newest_shown) = listing.checkpoints.last().copied() else {
            return Err(Error::NotFound("the directory holds no checkpoint: there is nothing to back up".into()));
        };
        let mut plan = Self {
            store_id: [0; 16],
            checkpoints: BTreeMap::new(),
            wal: BTreeMap::new(),
            newest_shown,
            deleted_up_to: listing.marked.last().copied().unwrap_or_default(),
            findings: Vec::new(),
        };
        let mut store_id = None;
        for &id in listing.checkpoints.iter().rev() {
            let error = match planned(source, listing, id).await {
                Ok((planned, id_of_store)) => {
                    store_id = store_id.or(id_of_store);
                    plan.checkpoints.insert(id, planned);
                    continue;
                }
                Err(error) if is_about_file(&error) => error,
                Err(error) => return Err(error),
            };
            match is_gone(source, id).await {
                true if id == newest_shown => return Ok(None),
                // A writer has deleted it. The newest one is what counts.
                true => {}
                false => plan.findings.push(damage(error.place().unwrap_or(&metadata_path(id)), &error)),
            }
        }
        if let (None, Some(finding)) = (store_id, plan.findings.first()) {
            return Err(Error::corrupt(&finding.path, format!("no checkpoint is whole: {}", finding.what)));
        }
        plan.store_id = store_id.ok_or_else(|| {
            Error::InvalidInput("LaminarDB wrote all checkpoints here: migrate the directory before a backup".into())
        })?;
        Ok(plan.read_wal(source, listing).await?.then_some(plan))
    }

    /// Reads the WAL after the newest checkpoint, up to what is damaged. Returns whether that checkpoint is still the
    /// newest.
    async fn read_wal<S: Directory>(&mut self, source: &S, listing: &Listing) -> Result<bool, Error> {
        let newest = self.newest_shown;
        let Some(format) = self.checkpoints.get(&newest).map(|planned| planned.format) else { return Ok(true) };
        for ((sequence, bytes), expected) in listing.wal_after(newest).zip(1..) {
            let path = wal_path(newest, sequence);
            let read = if sequence == expected {
                read_wal(source, format, &path, bytes).await
            } else {
                Err(Error::Wal(format!("{}: missing, although {path} exists", wal_path(newest, expected))))
            };
            match read {
                Ok(content) => drop(self.wal.insert(sequence, content)),
                Err(error) if !is_about_file(&error) => return Err(error),
                Err(error) if listing.clone().renew(source, None, &error).await => return Ok(false),
                Err(error) => {
                    self.findings.push(damage(&path, error));
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Tells whether the source should hold a checkpoint with this id, or a newer one.
    pub(super) fn has_lost(&self, id: u64) -> bool {
        id > self.newest_shown && id > self.deleted_up_to
    }

    /// Tells whether the source went back to its newest checkpoint, when a newer one was deleted on purpose. WAL files
    /// after it may be gone then.
    pub(super) fn went_back(&self) -> bool {
        self.deleted_up_to > self.newest_shown
    }

    /// Takes a checkpoint out.
    pub(super) fn remove(&mut self, id: u64) {
        self.checkpoints.remove(&id);
        if id == self.newest_shown {
            self.wal.clear();
        }
    }

    /// Returns the checkpoints that a file belongs to. What belongs to none is laid to the newest.
    pub(super) fn named_by(&self, path: &str) -> Vec<u64> {
        let names = |(id, planned): (&u64, &Planned)| {
            (metadata_path(*id) == path || planned.files.contains_key(path)).then_some(*id)
        };
        let ids: Vec<u64> = self.checkpoints.iter().filter_map(names).collect();
        if ids.is_empty() { self.newest().into_iter().collect() } else { ids }
    }

    /// Takes out what a damaged file makes worthless, and notes the damage.
    pub(super) fn remove_damaged(&mut self, finding: Finding) {
        if let Name::Wal(_, damaged) = Name::parse(&finding.path) {
            self.wal.retain(|sequence, _| *sequence < damaged);
        } else {
            for id in self.named_by(&finding.path) {
                self.remove(id);
            }
        }
        self.findings.push(finding);
    }

    /// Returns the newest whole checkpoint. The WAL follows it.
    pub(super) fn newest(&self) -> Option<u64> {
        self.checkpoints.keys().last().copied()
    }

    /// Returns every file but the metadata and the WAL, with its length in bytes.
    pub(super) fn files(&self) -> BTreeMap<String, u64> {
        let files = self.checkpoints.values().flat_map(|planned| &planned.files);
        files.map(|(path, bytes)| (path.clone(), *bytes)).collect()
    }

    /// Returns the metadata and the WAL files, which are committed when all else is verified.
    pub(super) fn pending(&self) -> BTreeMap<String, &[u8]> {
        let metadata = self.checkpoints.iter().map(|(id, planned)| (metadata_path(*id), &planned.metadata[..]));
        let wal = self.wal.iter().map(|(sequence, content)| (wal_path(self.newest_shown, *sequence), &content[..]));
        metadata.chain(wal).collect()
    }
}

/// Reads the metadata of a checkpoint. Returns the id of its directory too, unless LaminarDB wrote it.
async fn planned<S: Directory>(source: &S, listing: &Listing, id: u64) -> Result<(Planned, Option<[u8; 16]>), Error> {
    let metadata = read_listed_metadata(source, listing, id).await?;
    let files = files_of(listing, &metadata)?;
    let (store_id, format) = match &metadata.alluvium {
        Some(fields) => (Some(fields.store_id), fields.format),
        None => (None, FormatVersion::default()),
    };
    // Its length was checked.
    let metadata = source.read(&metadata_path(id)).await?;
    Ok((Planned { metadata, files, format }, store_id))
}

/// Returns the files of a checkpoint with the lengths that they must have.
fn files_of(listing: &Listing, metadata: &IncrementalCheckpointMetadata) -> Result<BTreeMap<String, u64>, Error> {
    let listed = |path: &str| {
        let entry = listing.entry(path).filter(|(_, entry)| entry.kind == EntryKind::File);
        entry.map(|(_, entry)| entry.bytes)
    };
    let mut files = BTreeMap::new();
    let state = state_path(metadata.id);
    let Some(fields) = &metadata.alluvium else {
        for path in &metadata.sst_files {
            // LaminarDB's metadata has no checksum, so the names in it cannot be trusted.
            if Name::parse(path) == Name::Foreign {
                let what = format!("names {path:?}, which is not a file of Alluvium");
                return Err(Error::unknown(metadata_path(metadata.id), what));
            }
            let missing = || Error::corrupt(path, format!("missing, although checkpoint {} names it", metadata.id));
            files.insert(path.clone(), listed(path).ok_or_else(missing)?);
        }
        files.extend(listed(&state).map(|bytes| (state, bytes)));
        return Ok(files);
    };
    for entry in &fields.segments {
        if entry.store.is_some() {
            let what = format!("checkpoint {} has a segment in another directory: {}", metadata.id, entry.name());
            return Err(Error::InvalidInput(what));
        }
        listing.check_length(entry)?;
        files.insert(entry.path(), entry.bytes);
    }
    files.extend(fields.list.as_ref().map(|list| (list.file.path(), list.file.bytes)));
    files.extend(fields.state_file.map(|file| (state, file.bytes)));
    Ok(files)
}
