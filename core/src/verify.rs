//! Reading every byte of a directory and saying what is wrong.

use std::collections::BTreeSet;

use crate::directory::{Directory, DirectoryErrorKind, EntryKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::few;
use crate::format::log::{LogFault, decode};
use crate::format::names::{Name, log_path, metadata_path, state_path};
use crate::inspect::load_state;
use crate::recover::{RecoverOptions, recover_surveyed};
use crate::segments::{Groups, read_segment};
use crate::survey::{Survey, read_metadata};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub what: String,
}

/// What verification read and noticed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

/// Reads every file, checks every byte, and recovers every checkpoint.
///
/// Fails only when the directory itself cannot be listed; everything else is a finding.
pub async fn verify<D: Directory>(directory: &D) -> Result<VerifyReport, Error> {
    let survey = Survey::take(directory).await?;
    let mut report = VerifyReport::default();
    let mut named: BTreeSet<String> = BTreeSet::new();
    for &id in &survey.checkpoints {
        verify_checkpoint(directory, &survey, id, &mut named, &mut report).await;
    }
    for (name, entry) in &survey.entries {
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
            Name::Log(checkpoint, sequence) => {
                report.files += 1;
                report.bytes += entry.bytes;
                if let Err(error) = verify_log(directory, checkpoint, sequence).await {
                    report.find(&entry.path, Severity::Damage, error.to_string());
                } else if survey.checkpoints.last().is_some_and(|newest| checkpoint < *newest) {
                    let what = format!("what changed after checkpoint {checkpoint} is in a newer one");
                    report.find(&entry.path, Severity::Leftover, what);
                }
            }
            Name::Deleted(_) if entry.bytes > 0 => report.find(&entry.path, Severity::Damage, "a marker must be empty"),
            Name::Deleted(_) => {}
            Name::State(id) | Name::EmptyCheckpoint(id) if !survey.checkpoints.contains(&id) => {
                report.find(&entry.path, Severity::Leftover, format!("checkpoint {id} is partial: it has no metadata"));
            }
            Name::State(_) | Name::EmptyCheckpoint(_) | Name::Segment(..) => {
                report.find(&entry.path, Severity::Leftover, "no whole checkpoint names it");
            }
        }
    }
    few::sort(&mut report.findings, |a, b| (&a.path, a.severity, &a.what).cmp(&(&b.path, b.severity, &b.what)));
    Ok(report)
}

async fn verify_log<D: Directory>(directory: &D, checkpoint: u64, sequence: u64) -> Result<(), Error> {
    let path = log_path(checkpoint, sequence);
    let content = directory.read(&path).await?;
    // The checkpoint may be gone by now, and with it the directory's id: then the log's own is taken,
    // to which its checksums are bound.
    let own = content.get(16..32).and_then(|id| id.try_into().ok()).unwrap_or_default();
    let metadata = read_metadata(directory, checkpoint).await.ok();
    let store_id = metadata.and_then(|metadata| metadata.alluvium).map_or(own, |fields| fields.store_id);
    match decode(store_id, checkpoint, sequence, &content) {
        Ok(log) => log.records().map(|_| ()),
        Err(LogFault::Torn(error) | LogFault::Damaged(error)) => Err(error),
    }
}

async fn verify_checkpoint<D: Directory>(
    directory: &D,
    survey: &Survey,
    id: u64,
    named: &mut BTreeSet<String>,
    report: &mut VerifyReport,
) {
    let metadata = match read_metadata(directory, id).await {
        Ok(metadata) => metadata,
        Err(error) => return report.find(metadata_path(id), Severity::Damage, error.to_string()),
    };
    let before = report.findings.len();
    if let Some(fields) = &metadata.alluvium {
        for entry in &fields.segments {
            let path = entry.path();
            named.insert(path.clone());
            // All of its groups, also those that no longer count: every byte is read.
            let mut whole = entry.clone();
            whole.groups = Groups::ALL.to_ranges();
            let checked = async {
                let length = survey.entries.iter().find(|(_, entry)| entry.path == path).map(|(_, entry)| entry.bytes);
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
                read_segment(directory, fields.store_id, &whole, None, Groups::ALL).await?.for_each(|_| Ok(()))
            };
            if let Err(error) = checked.await {
                report.find(path.clone(), Severity::Damage, error.to_string());
            }
        }
    }
    match load_state(directory, id).await {
        Ok(_) => {
            named.insert(state_path(id));
        }
        Err(Error::NotFound(_)) => {}
        Err(error) => {
            named.insert(state_path(id));
            report.find(state_path(id), Severity::Damage, error.to_string());
        }
    }
    if report.findings.len() > before {
        return;
    }
    // Every file is whole; now whether together they are the state that was checkpointed.
    let options = RecoverOptions::new().checkpoint(Some(id));
    match recover_surveyed(directory, &options, survey).await {
        Ok(_) => report.checkpoints += 1,
        Err(error) => report.find(metadata_path(id), Severity::Damage, error.to_string()),
    }
}
