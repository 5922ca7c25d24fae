//! What the directory holds: listing, reading, deleting, verifying.

use super::IncrementalCheckpointManager;
use crate::catalog::lock;
use crate::checkpoint::fenced;
use crate::directory::{Directory, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::names::deleted_path;
use crate::inspect;
use crate::maintenance::{MaintenanceReport, Retain, collect};
use crate::retention::GarbageReport;
use crate::survey::Survey;
use crate::verify::{VerifyReport, verify};

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Metadata of every checkpoint, newest first. A damaged one is an error; see
    /// [`inspect::list_checkpoints`] for a listing that goes on.
    pub async fn list_checkpoints(&self) -> Result<Vec<IncrementalCheckpointMetadata>, Error> {
        let mut found = Vec::new();
        for id in Survey::take(&*self.directory).await?.checkpoints.into_iter().rev() {
            found.push(self.load_checkpoint_metadata(id).await?);
        }
        Ok(found)
    }

    /// Metadata of the newest checkpoint, if there is one.
    pub async fn find_latest_checkpoint(&self) -> Result<Option<IncrementalCheckpointMetadata>, Error> {
        match Survey::take(&*self.directory).await?.checkpoints.last() {
            Some(&id) => self.load_checkpoint_metadata(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Metadata of one checkpoint.
    pub async fn load_checkpoint_metadata(&self, id: u64) -> Result<IncrementalCheckpointMetadata, Error> {
        inspect::load_metadata(&*self.directory, id).await
    }

    /// The opaque state of one checkpoint, verbatim.
    pub async fn load_checkpoint_state(&self, id: u64) -> Result<Vec<u8>, Error> {
        inspect::load_state(&*self.directory, id).await
    }

    /// Lets all but the newest [`max_retained`](crate::CheckpointConfig::max_retained) checkpoints
    /// go, with the files that they alone named.
    pub async fn cleanup_old_checkpoints(&mut self) -> Result<MaintenanceReport, Error> {
        self.cleanup_old_checkpoints_keep(self.config.max_retained).await
    }

    /// As [`cleanup_old_checkpoints`](Self::cleanup_old_checkpoints), keeping `keep`; 0 is refused.
    pub async fn cleanup_old_checkpoints_keep(&mut self, keep: usize) -> Result<MaintenanceReport, Error> {
        if keep == 0 {
            return Err(Error::InvalidInput(
                "keeping 0 checkpoints would lose everything: delete the directory instead".into(),
            ));
        }
        self.sweep(Retain::Newest(keep)).await.map(report)
    }

    /// Deletes one checkpoint, with the files that it alone named. Its id is never given again.
    pub async fn delete_checkpoint(&mut self, id: u64) -> Result<MaintenanceReport, Error> {
        let survey = self.survey_as_owner().await?;
        if !survey.checkpoints.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} does not exist")));
        }
        if survey.highest_id == id {
            // Before the metadata goes, something must remember that this id was given.
            let path = deleted_path(id);
            if !survey.entries.iter().any(|(_, entry)| entry.path == path) {
                self.directory.create(vec![NewFile { path, content: Vec::new() }]).await?;
            }
        }
        let swept = self.sweep(Retain::AllBut(Some(id))).await?;
        if self.log_base.is_some_and(|base| base.checkpoint == id) {
            self.log_base = None;
        }
        let newest = survey.checkpoints.iter().rev().find(|other| **other != id).copied();
        if self.latest == Some(id) {
            self.latest = newest;
        }
        Ok(report(swept))
    }

    /// Deletes what no kept checkpoint names and no checkpoint in flight needs. Only files that
    /// Alluvium wrote are ever deleted.
    pub async fn collect_garbage(&mut self) -> Result<GarbageReport, Error> {
        self.sweep(Retain::AllBut(None)).await
    }

    /// A listing, if this writer is still the newest: one that was overtaken deletes nothing.
    async fn survey_as_owner(&self) -> Result<Survey, Error> {
        lock(&self.catalog).check()?;
        let survey = Survey::take(&*self.directory).await?;
        let last_id = self.next_id.map_or(u64::MAX, |next| next - 1);
        let (committed, written) = {
            let catalog = lock(&self.catalog);
            (catalog.committed.unwrap_or(0), catalog.log_sequence)
        };
        // A log of this writer's own may be on its way.
        let prepared = self.log_base.filter(|base| base.checkpoint == committed).map_or(0, |base| base.sequence);
        if let Some(left) = survey.overtaken(last_id, committed, written.max(prepared)) {
            let error = fenced(left);
            lock(&self.catalog).poison(&error);
            return Err(error);
        }
        Ok(survey)
    }

    async fn sweep(&mut self, retain: Retain) -> Result<GarbageReport, Error> {
        let survey = self.survey_as_owner().await?;
        if self.in_flight == 0 {
            // With nothing in flight, whatever is numbered below what comes next is left over.
            let mut catalog = lock(&self.catalog);
            catalog.own_below = catalog.next_number;
        }
        collect(&*self.directory, &self.catalog, &survey, retain).await
    }

    /// Reads every byte and reports what is wrong with it.
    pub async fn verify(&self) -> Result<VerifyReport, Error> {
        verify(&*self.directory).await
    }
}

fn report(garbage: GarbageReport) -> MaintenanceReport {
    MaintenanceReport {
        reclaimed_bytes: garbage.reclaimed_bytes(),
        deleted: garbage.files.into_iter().filter(|file| !file.keep).map(|file| file.path).collect(),
        errors: garbage.errors,
        ..MaintenanceReport::default()
    }
}
