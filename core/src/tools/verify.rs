//! Reading every byte of a directory and saying what is wrong.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::directory::{Directory, DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, metadata_path, state_path, wal_path};
use crate::format::wal::{WalFault, decode};
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::{load_state, read_metadata};
use crate::ledger::segment_reader::read_segment;
use crate::model::key_groups::KeyGroups;
use crate::recovery::recover::recover_listed;
use crate::recovery::types::RecoverOptions;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Data is lost or cannot be trusted.
    Damage,
    /// Nothing is lost; garbage collection will see to it.
    Leftover,
    /// Not Alluvium's: never read, never deleted.
    Foreign,
}

impl Severity {
    /// One lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Leftover => "leftover",
            Self::Foreign => "foreign",
        }
    }
}

/// Something that verification noticed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub what: String,
}

/// What verification read and noticed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VerifyReport {
    /// In order of path.
    pub findings: Vec<Finding>,
    /// Checkpoints that were recovered in full.
    pub checkpoints: u64,
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl VerifyReport {
    /// Whether anything is lost or cannot be trusted.
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Damage)
    }

    fn find(&mut self, path: impl Into<String>, severity: Severity, what: impl Into<String>) {
        let finding = Finding { path: path.into(), severity, what: what.into() };
        // Several checkpoints share a file; one finding is enough.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// So many bytes of segments are held in memory, so that each is read once, however many checkpoints
/// name it. What does not fit is read once more for each of them.
const HELD_BYTES_MAX: usize = if cfg!(target_pointer_width = "32") { 32 << 20 } else { 512 << 20 };

/// A directory of which what was read once is at hand.
struct Held<'a, D> {
    directory: &'a D,
    contents: Mutex<FxHashMap<String, Arc<[u8]>>>,
    most: usize,
}

impl<D> Held<'_, D> {
    fn contents(&self) -> std::sync::MutexGuard<'_, FxHashMap<String, Arc<[u8]>>> {
        // Whole entries come and go: a panic elsewhere leaves nothing half done.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what is not wanted any more.
    fn keep(&self, is_wanted: impl Fn(&str) -> bool) {
        self.contents().retain(|path, _| is_wanted(path));
    }
}

impl<D: Directory> Directory for Held<'_, D> {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.directory.list().await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        let held = self.contents().get(path).cloned();
        if let Some(held) = held {
            return Ok(held.to_vec());
        }
        let content = self.directory.read(path).await?;
        let mut contents = self.contents();
        if contents.values().map(|held| held.len()).sum::<usize>() + content.len() <= self.most {
            contents.insert(path.to_owned(), content.as_slice().into());
        }
        Ok(content)
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let held = self.contents().get(path).cloned();
        let Some(held) = held else { return self.directory.read_range(path, offset, length).await };
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(length)?));
        range.and_then(|range| held.get(range)).map(<[u8]>::to_vec).ok_or_else(|| {
            DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path)
                .because(format!("{length} bytes at {offset} of a file of {}", held.len()))
        })
    }

    // Verifying changes nothing.
    async fn create(&self, _: Vec<NewFile>) -> Result<(), DirectoryError> {
        Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Create, ""))
    }

    async fn delete(&self, _: &[String]) -> Result<(), DirectoryError> {
        Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Delete, ""))
    }
}

/// What is known of the segments so far.
#[derive(Default)]
struct Checked {
    /// Files that some checkpoint names.
    named: FxHashSet<String>,
    /// Whether a segment is whole, by what its metadata says of it.
    segments: FxHashMap<(String, u64, u64, u32), bool>,
}

/// Reads every file, checks every byte, and recovers every checkpoint. Each segment is read once, as
/// long as memory for what several checkpoints share is not short.
///
/// Fails only when the directory itself cannot be listed; everything else is a finding.
pub async fn verify<D: Directory>(directory: &D) -> Result<VerifyReport, Error> {
    verify_holding(directory, HELD_BYTES_MAX).await
}

async fn verify_holding<D: Directory>(directory: &D, most: usize) -> Result<VerifyReport, Error> {
    let listing = Listing::take(directory).await?;
    let mut report = VerifyReport::default();
    let held = Held { directory, contents: Mutex::default(), most };
    let source = &held;
    let mut checked = Checked::default();
    // Which file is wanted last by whom: checkpoints are gone through from old to new.
    let mut wanted_until: FxHashMap<String, u64> = FxHashMap::default();
    for &id in listing.checkpoints.iter() {
        if let Ok(metadata) = read_metadata(source, id).await {
            for path in metadata.files() {
                wanted_until.insert(path, id);
            }
        }
    }
    for &id in listing.checkpoints.iter() {
        verify_checkpoint(source, &listing, id, &mut checked, &mut report).await;
        held.keep(|path| wanted_until.get(path).is_some_and(|last| *last > id));
    }
    let named = checked.named;
    for (name, entry) in &listing.entries {
        match *name {
            Name::Metadata(_) => {
                report.files += 1;
                report.bytes += entry.bytes;
            }
            _ if named.contains(&entry.path) => {
                report.files += 1;
                report.bytes += entry.bytes;
            }
            Name::Foreign if entry.kind == EntryKind::Temporary => {
                report.find(&entry.path, Severity::Leftover, "left by a write that was cut short");
            }
            Name::Foreign => report.find(&entry.path, Severity::Foreign, "not written by Alluvium"),
            Name::Wal(checkpoint, sequence) => {
                report.files += 1;
                report.bytes += entry.bytes;
                if let Err(error) = verify_wal(directory, checkpoint, sequence).await {
                    report.find(&entry.path, Severity::Damage, error.to_string());
                } else if listing.checkpoints.last().is_some_and(|newest| checkpoint < *newest) {
                    let what = format!("what changed after checkpoint {checkpoint} is in a newer one");
                    report.find(&entry.path, Severity::Leftover, what);
                }
            }
            Name::Deleted(_) if entry.bytes > 0 => report.find(&entry.path, Severity::Damage, "a marker must be empty"),
            Name::Deleted(_) => {}
            Name::State(id) | Name::EmptyCheckpoint(id) if !listing.checkpoints.contains(&id) => {
                report.find(&entry.path, Severity::Leftover, format!("checkpoint {id} is partial: it has no metadata"));
            }
            Name::State(_) | Name::EmptyCheckpoint(_) => {
                report.find(&entry.path, Severity::Leftover, "no whole checkpoint names it");
            }
            Name::Segment(..) => {
                let what = "no whole checkpoint names it: made ahead of the next one, or left behind";
                report.find(&entry.path, Severity::Leftover, what);
            }
        }
    }
    report.findings.sort_by(|a, b| (&a.path, a.severity, &a.what).cmp(&(&b.path, b.severity, &b.what)));
    Ok(report)
}

async fn verify_wal<D: Directory>(directory: &D, checkpoint: u64, sequence: u64) -> Result<(), Error> {
    let path = wal_path(checkpoint, sequence);
    let content = directory.read(&path).await?;
    // The checkpoint may be gone by now, and with it the directory's id: then the log's own is taken,
    // to which its checksums are bound.
    let own = content.get(16..32).and_then(|id| id.try_into().ok()).unwrap_or_default();
    let metadata = read_metadata(directory, checkpoint).await.ok();
    let store_id = metadata.and_then(|metadata| metadata.alluvium).map_or(own, |fields| fields.store_id);
    match decode(store_id, checkpoint, sequence, &content) {
        Ok(log) => log.records().map(|_| ()),
        Err(WalFault::Torn(error) | WalFault::Damaged(error)) => Err(error),
    }
}

async fn verify_checkpoint<D: Directory>(
    directory: &D,
    listing: &Listing,
    id: u64,
    checked: &mut Checked,
    report: &mut VerifyReport,
) {
    let metadata = match read_metadata(directory, id).await {
        Ok(metadata) => metadata,
        Err(error) => return report.find(metadata_path(id), Severity::Damage, error.to_string()),
    };
    let before = report.findings.len();
    let mut is_whole = true;
    if let Some(fields) = &metadata.alluvium {
        for entry in &fields.segments {
            let path = entry.path();
            checked.named.insert(path.clone());
            let claim = (path.clone(), entry.bytes, entry.checksum, entry.chunks);
            if let Some(known) = checked.segments.get(&claim) {
                is_whole &= known;
                continue;
            }
            // All of its groups, also those that no longer count: every byte is read.
            let mut whole = entry.clone();
            whole.groups = KeyGroups::ALL.to_ranges();
            let check = async {
                let length = listing.entries.iter().find(|(_, entry)| entry.path == path).map(|(_, entry)| entry.bytes);
                if length.is_some_and(|length| length != entry.bytes) {
                    let found = length.unwrap_or_default();
                    return Err(Error::corrupt(&path, format!("{found} bytes long, not {}", entry.bytes)));
                }
                let content = directory.read(&path).await.map_err(|error| match error.kind() {
                    DirectoryErrorKind::NotFound => {
                        Error::corrupt(&path, format!("checkpoint {id} names it and it is not there"))
                    }
                    _ => Error::from(error),
                })?;
                crate::format::segment::decode_file(&path, &entry.identity(fields.store_id), &content, entry.checksum)?;
                let data = read_segment(directory, fields.store_id, &whole, None, KeyGroups::ALL).await?;
                data.for_each_chunk(&mut |_| Ok(()))
            };
            let outcome = check.await;
            is_whole &= outcome.is_ok();
            checked.segments.insert(claim, outcome.is_ok());
            if let Err(error) = outcome {
                report.find(path.clone(), Severity::Damage, error.to_string());
            }
        }
    }
    // A checkpoint of Alluvium's own says whether it has one; one of the original's must be asked.
    let may_have_state = metadata.alluvium.as_ref().is_none_or(|fields| fields.state_file.is_some())
        || listing.entries.iter().any(|(name, _)| *name == Name::State(id));
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
    // Every file is whole; now whether together they are the state that was checkpointed.
    let options = RecoverOptions::new().checkpoint(Some(id));
    match recover_listed(directory, &options, listing).await {
        Ok(_) => report.checkpoints += 1,
        Err(error) => report.find(metadata_path(id), Severity::Damage, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{SimulatedDirectory, block_on};
    use crate::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

    /// Checkpoints of which each names the files of those before it.
    fn shared(checkpoints: u8) -> Arc<SimulatedDirectory> {
        let directory = Arc::new(SimulatedDirectory::new(1));
        let options = OpenOptions::new(Arc::new(ManualClock::new(0))).store_id([7; 16]);
        let config = CheckpointConfig::new().with_max_retained(usize::from(checkpoints));
        let manager = IncrementalCheckpointManager::open(directory.clone(), config, options);
        let mut manager = block_on(manager).unwrap();
        for n in 0..checkpoints {
            manager.put(&[n], &vec![n; 100_000]).unwrap();
            block_on(manager.create_checkpoint(0)).unwrap();
        }
        directory
    }

    fn reads(directory: &SimulatedDirectory, most: usize) -> (usize, VerifyReport) {
        let before = directory.calls().len();
        let report = block_on(verify_holding(directory, most)).unwrap();
        let calls = directory.calls();
        (calls[before..].iter().filter(|call| **call == Operation::Read).count(), report)
    }

    #[test]
    fn each_file_is_read_once_however_many_checkpoints_share_it() {
        let directory = shared(6);
        let files = directory.to_nodes().len();
        let (once, report) = reads(&directory, HELD_BYTES_MAX);
        assert_eq!((once, report.checkpoints, report.files), (files, 6, files as u64));
        // Without room for any of it the findings are the same, and only the reads more.
        let (again, same) = reads(&directory, 0);
        assert!(again > once && same == report, "{again} reads, {same:?}");
    }

    #[test]
    fn a_damaged_file_leaves_out_every_checkpoint_that_shares_it() {
        let directory = shared(4);
        let mut nodes = directory.to_nodes();
        let (_, node) = nodes.iter_mut().find(|(path, _)| path.starts_with("segments/")).unwrap();
        let crate::directory::Node::File(content) = node else { panic!("a file") };
        content[1_000] ^= 1;
        let report = block_on(verify(&SimulatedDirectory::from_nodes(1, nodes))).unwrap();
        let damage = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
        assert_eq!((report.checkpoints, damage.count()), (0, 1), "{report:?}");
    }
}
