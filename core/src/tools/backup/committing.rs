//! Makes what was copied and verified count, and then deletes what the source no longer has.

use std::collections::BTreeSet;

use crate::directory::{Directory, EntryKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, backup_path, deleted_path, metadata_path, wal_path};
use crate::ledger::listing::{BEGUN, Listing};
use crate::tools::backup::copying::Copying;
use crate::tools::backup::plan::Plan;
use crate::tools::backup::relation::Relation;
use crate::tools::backup::report::BackupError::{self, Destination};

impl<S: Directory, D: Directory> Copying<'_, S, D> {
    /// Creates the WAL files, and then the metadata.
    ///
    /// WAL files after a checkpoint that is there count at once, so they are created one after another: a gap between
    /// them would be damage. Before their checkpoint is there they mean nothing, and any of them may come first.
    pub(super) async fn commit(&mut self, plan: &Plan, relation: &Relation) -> Result<(), BackupError> {
        let newest = plan.newest_shown;
        let pending = plan.pending();
        let is_newest_whole = plan.checkpoints.contains_key(&newest);
        let is_replaced = |path: &&String| match Name::parse(path) {
            Name::Wal(..) => is_newest_whole,
            _ => pending.contains_key(*path),
        };
        let broken: Vec<String> = relation.broken.iter().filter(is_replaced).cloned().collect();
        self.delete(&broken).await?;
        if is_newest_whole {
            // The last first, so that there is never a gap.
            for path in relation.rewound.iter().rev() {
                self.delete(std::slice::from_ref(path)).await?;
            }
        }
        let there = Listing::take(self.destination).await.map_err(Destination)?;
        let file = |path: String| NewFile {
            content: pending.get(&path).map(|bytes| bytes.to_vec()).unwrap_or_default(),
            path,
        };
        let missing = |path: &String| !there.holds(path);
        let wal = plan.wal.keys().map(|sequence| wal_path(newest, *sequence)).filter(missing).map(file);
        let wal: Vec<NewFile> = wal.collect();
        let metadata = plan.checkpoints.keys().rev().map(|id| metadata_path(*id)).filter(missing).map(file);
        let mut metadata: Vec<NewFile> = metadata.collect();
        let created: Vec<String> = wal.iter().chain(&metadata).map(|file| file.path.clone()).collect();
        if there.checkpoints.contains(&newest) {
            for file in wal {
                self.create(vec![file]).await?;
            }
        } else if !wal.is_empty() {
            self.create(wal).await?;
        }
        // The newest first, and alone: a crash must not leave only older ones.
        let older = metadata.split_off(metadata.len().min(1));
        for files in [metadata, older].into_iter().filter(|files| !files.is_empty()) {
            self.create(files).await?;
        }
        for path in created {
            let found = self.destination.read(&path).await.map_err(|error| Destination(error.into()))?;
            if Some(&found[..]) != pending.get(&path).copied() {
                return Err(Destination(Error::corrupt(&path, "what was read back is not what was written")));
            }
        }
        Ok(())
    }

    /// Deletes what the source no longer has. Only what is not part of a checkpoint any more goes with the last step,
    /// so the destination holds whole checkpoints all the time.
    pub(super) async fn prune(&mut self, plan: &Plan, source: &Listing) -> Result<(), BackupError> {
        let marks = source.marked.iter().filter(|id| **id != BEGUN).map(|id| deleted_path(*id));
        let marks: BTreeSet<String> = marks.collect();
        let there = Listing::take(self.destination).await.map_err(Destination)?;
        let missing = marks.iter().filter(|path| !there.holds(path));
        let missing: Vec<NewFile> = missing.map(|path| NewFile { path: path.clone(), content: Vec::new() }).collect();
        if !missing.is_empty() {
            self.destination.create(missing).await.map_err(|error| Destination(error.into()))?;
        }
        let mut kept: BTreeSet<String> =
            plan.files().into_keys().chain(plan.pending().into_keys()).chain(marks).collect();
        kept.insert(backup_path(plan.store_id));
        let (mut newer, mut wal, mut metadata, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut bytes = 0;
        for (name, entry) in there.entries().filter(|(_, entry)| !kept.contains(&entry.path)) {
            let going = match name {
                Name::Wal(..) => &mut wal,
                Name::Metadata(id) if *id > plan.newest_shown => &mut newer,
                Name::Metadata(_) => &mut metadata,
                Name::Foreign if entry.kind != EntryKind::Temporary => continue,
                _ => &mut others,
            };
            going.push(entry.path.clone());
            bytes += entry.bytes;
        }
        let files = newer.len() + wal.len() + metadata.len() + others.len();
        // Where the source went back, the newest checkpoint counts with the WAL after it until it goes. It goes last of
        // those that are newer than the source's.
        for path in &newer {
            self.delete(std::slice::from_ref(path)).await?;
        }
        self.delete(&wal).await?;
        self.delete(&metadata).await?;
        self.delete(&others).await?;
        self.report.deleted_files += files as u64;
        self.report.deleted_bytes += bytes;
        Ok(())
    }
}
