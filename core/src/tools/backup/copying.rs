//! Copies files to the destination, and replaces those that are damaged there.

use std::collections::BTreeSet;

use crate::directory::{Directory, EntryKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::ledger::listing::Listing;
use crate::tools::backup::plan::{Plan, damage, is_about_file, is_gone};
use crate::tools::backup::report::BackupError::{self, Destination, Source};
use crate::tools::backup::report::BackupReport;
use crate::tools::backup::view::View;
use crate::tools::verify::{Finding, Severity, verify};

/// About so many bytes of files are created at once, and so many are in memory.
const BATCH_BYTES: usize = 16 << 20;
/// So many files are created at once at most.
const BATCH_FILES: usize = 128;

/// A backup on its way.
pub(super) struct Copying<'a, S, D> {
    pub(super) source: &'a S,
    pub(super) destination: &'a D,
    pub(super) report: &'a mut BackupReport,
    /// What is to be created next.
    batch: Vec<NewFile>,
    batch_bytes: usize,
}

/// Whether the newest checkpoint is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newest {
    /// It is.
    Stays,
    /// A writer has deleted it, because there is a newer one.
    HasGone,
}

impl<'a, S: Directory, D: Directory> Copying<'a, S, D> {
    pub(super) fn new(source: &'a S, destination: &'a D, report: &'a mut BackupReport) -> Self {
        Self { source, destination, report, batch: Vec::new(), batch_bytes: 0 }
    }

    /// Copies every file that the destination does not hold, except the metadata and the WAL. What is damaged or gone
    /// is taken out of the plan.
    ///
    /// A file of the right length counts as there. Whether it is whole is verified later, with all others.
    pub(super) async fn copy(
        &mut self,
        plan: &mut Plan,
        listing: &Listing,
        there: &Listing,
    ) -> Result<Newest, BackupError> {
        let mut copied = BTreeSet::new();
        let ids: Vec<u64> = plan.checkpoints.keys().rev().copied().collect();
        for id in ids {
            let files = plan.checkpoints.get(&id).map(|planned| planned.files.clone()).unwrap_or_default();
            for (path, bytes) in files {
                if !copied.insert(path.clone()) {
                    continue;
                }
                match there.entry(&path).map(|(_, entry)| (entry.kind, entry.bytes == bytes)) {
                    Some((EntryKind::File, true)) => continue,
                    // A creation is exclusive.
                    Some((EntryKind::File, false)) => self.delete(std::slice::from_ref(&path)).await?,
                    Some(_) => return Err(Destination(Error::InvalidInput(format!("{path} is not a regular file")))),
                    None => {}
                }
                match self.read(listing, &path, bytes).await {
                    Ok(content) => self.create_soon(path, content).await?,
                    Err(error) if !is_about_file(&error) => return Err(Source(error)),
                    Err(error) => {
                        let gone = is_gone(self.source, id).await;
                        if gone && id == plan.newest_shown {
                            self.create_batch().await?;
                            return Ok(Newest::HasGone);
                        }
                        plan.remove(id);
                        if !gone {
                            plan.findings.push(damage(&path, format!("checkpoint {id} names it: {error}")));
                        }
                        // Others that name it too must not count on it.
                        copied.remove(&path);
                        break;
                    }
                }
            }
        }
        self.create_batch().await?;
        Ok(Newest::Stays)
    }

    /// Reads a file of the source that must have this many bytes.
    async fn read(&self, listing: &Listing, path: &str, bytes: u64) -> Result<Vec<u8>, Error> {
        let listed = listing.entry(path).map(|(_, entry)| entry);
        if let Some(entry) = listed.filter(|entry| entry.kind == EntryKind::File && entry.bytes != bytes) {
            return Err(Error::corrupt(path, format!("{} bytes long, not {bytes}", entry.bytes)));
        }
        let length = usize::try_from(bytes).map_err(|_| Error::corrupt(path, format!("{bytes} bytes long")))?;
        Ok(self.source.read_range(path, 0, length).await?)
    }

    /// Verifies what the backup is going to hold, as it is in the destination. A file that is damaged only there is
    /// replaced. What is damaged in the source is taken out of the plan.
    pub(super) async fn verify(&mut self, plan: &mut Plan, listing: &Listing) -> Result<Newest, BackupError> {
        let mut replaced = BTreeSet::new();
        while plan.newest().is_some() {
            let view = View::new(self.destination, plan.files(), plan.pending());
            let verified = verify(&view).await.map_err(Destination)?;
            if let Some(error) = view.trouble() {
                return Err(Destination(error.into()));
            }
            let damaged = verified.findings.into_iter().filter(|finding| finding.severity == Severity::Damage);
            let mut in_source: Vec<Finding> = Vec::new();
            let mut is_mended = false;
            for finding in damaged {
                let bytes = view.files.get(&finding.path).copied();
                let (Some(bytes), true) = (bytes, replaced.insert(finding.path.clone())) else {
                    in_source.push(finding);
                    continue;
                };
                match self.replace(listing, &finding.path, bytes).await? {
                    Some(Ok(())) => is_mended = true,
                    Some(Err(error)) => in_source.push(Finding { what: error.to_string(), ..finding }),
                    None => in_source.push(finding),
                }
            }
            if is_mended {
                continue;
            }
            if in_source.is_empty() {
                break;
            }
            for finding in in_source {
                let mut gone = Vec::new();
                for id in plan.named_by(&finding.path) {
                    if is_gone(self.source, id).await {
                        gone.push(id);
                    }
                }
                if gone.contains(&plan.newest_shown) {
                    return Ok(Newest::HasGone);
                }
                // What a writer has deleted meanwhile is not damaged.
                if gone.is_empty() {
                    plan.remove_damaged(finding);
                }
                for id in gone {
                    plan.remove(id);
                }
            }
        }
        Ok(Newest::Stays)
    }

    /// Replaces a file of the destination by that of the source, if they differ. Returns `None` if they do not, and the
    /// error if the source cannot be read there.
    async fn replace(
        &mut self,
        listing: &Listing,
        path: &str,
        bytes: u64,
    ) -> Result<Option<Result<(), Error>>, BackupError> {
        let content = match self.read(listing, path, bytes).await {
            Ok(content) => content,
            Err(error) if is_about_file(&error) => return Ok(Some(Err(error))),
            Err(error) => return Err(Source(error)),
        };
        match self.destination.read(path).await.map_err(Error::from) {
            Ok(found) if found == content => return Ok(None),
            Err(error) if !is_about_file(&error) => return Err(Destination(error)),
            _ => {}
        }
        self.delete(&[path.to_owned()]).await?;
        self.create(vec![NewFile { path: path.to_owned(), content }]).await?;
        Ok(Some(Ok(())))
    }

    /// Creates a file together with others.
    async fn create_soon(&mut self, path: String, content: Vec<u8>) -> Result<(), BackupError> {
        self.batch_bytes += content.len();
        self.batch.push(NewFile { path, content });
        if self.batch_bytes >= BATCH_BYTES || self.batch.len() >= BATCH_FILES {
            self.create_batch().await
        } else {
            Ok(())
        }
    }

    async fn create_batch(&mut self) -> Result<(), BackupError> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() { Ok(()) } else { self.create(batch).await }
    }

    /// Creates files of the destination.
    pub(super) async fn create(&mut self, files: Vec<NewFile>) -> Result<(), BackupError> {
        let (count, bytes) = (files.len() as u64, files.iter().map(|file| file.content.len() as u64).sum::<u64>());
        self.destination.create(files).await.map_err(|error| Destination(error.into()))?;
        self.report.copied_files += count;
        self.report.copied_bytes += bytes;
        Ok(())
    }

    /// Deletes files of the destination.
    pub(super) async fn delete(&mut self, paths: &[String]) -> Result<(), BackupError> {
        if paths.is_empty() {
            return Ok(());
        }
        self.destination.delete(paths).await.map_err(|error| Destination(error.into()))
    }
}
