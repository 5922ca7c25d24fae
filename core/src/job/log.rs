//! The log of a job: the sequence of its claims and commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{CheckpointConfig, OpenOptions};
use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::job::manifest::{JOB_KEY, JobManifest, JobRecord, check_cover, part_key};
use crate::job::part::JobPart;
use crate::job::store_id::StoreId;
use crate::maintenance::{Maintenance, MaintenanceReport};
use crate::manager::IncrementalCheckpointManager;
use crate::model::position::ByPartition;
use crate::model::source_position::SourcePosition;
use crate::recovery::{RecoverOptions, recover};

/// What becomes durable together.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The number of the epoch. It is greater than that of the commit before.
    pub epoch: u64,
    /// The parts of all workers, by worker.
    pub parts: Vec<JobPart>,
    /// How far the partitions of the sources were read.
    pub positions: ByPartition<SourcePosition>,
    /// The watermarks of the partitions in milliseconds of Unix time.
    pub watermarks: ByPartition<i64>,
    /// The watermark in milliseconds of Unix time, if there is one.
    pub watermark: Option<i64>,
    /// Short texts that replace those of the same names.
    pub annotations: BTreeMap<String, String>,
    /// The tokens by which sinks recognise what they prepared, by name of the sink.
    pub sinks: BTreeMap<String, Vec<u8>>,
}

/// The log of a job, opened to claim the job and to commit.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_core::directory::{MemoryDirectory, block_on};
/// use alluvium_core::job::{JobLog, StoreId};
/// use alluvium_core::{CheckpointConfig, ManualClock, OpenOptions};
///
/// let directory = Arc::new(MemoryDirectory::new());
/// let options = OpenOptions::new(Arc::new(ManualClock::new(0)));
/// let mut log = block_on(JobLog::open(directory, CheckpointConfig::new(), options))?;
/// let claimed = block_on(log.claim(vec![StoreId([1; 16]), StoreId([2; 16])], &Default::default()))?;
/// assert_eq!((claimed.generation, claimed.stores.len(), claimed.parts.len()), (1, 2, 0));
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug)]
pub struct JobLog<D> {
    manager: IncrementalCheckpointManager<D>,
    manifest: JobManifest,
    is_claimed: bool,
    /// What is left to do after the newest checkpoint.
    maintenance: Option<Maintenance<D>>,
}

impl<D: Directory> JobLog<D> {
    /// Opens the log in a directory, which may be empty. Nothing is written. `config` says how many manifests are
    /// kept, as [`max_retained`](CheckpointConfig::with_max_retained).
    ///
    /// A directory whose newest checkpoint is no manifest of a job is [`Deserialization`](Error::Deserialization).
    /// The other errors are those of [`IncrementalCheckpointManager::open`].
    pub async fn open(directory: Arc<D>, config: CheckpointConfig, options: OpenOptions) -> Result<Self, Error> {
        let manager = IncrementalCheckpointManager::open(directory, config, OpenOptions::create(options, true)).await?;
        let checkpoint = manager.latest_checkpoint_id().unwrap_or(0);
        let manifest = JobManifest::read(checkpoint, manager.state(), manager.position().clone())?;
        Ok(Self { manager, manifest, is_claimed: false, maintenance: None })
    }

    /// Returns the newest manifest, as far as this log knows.
    pub fn manifest(&self) -> &JobManifest {
        &self.manifest
    }

    /// Returns the directory of the log.
    pub fn directory(&self) -> &Arc<D> {
        self.manager.directory()
    }

    /// Claims the job for a new generation, whose workers have these directories. When it resolves to `Ok`, no
    /// earlier generation can commit any more. The claim and its reason to be are durable before any of the
    /// directories is created. `annotations` replace those of the same names, for example the name of the operator.
    ///
    /// - No directory, and one that was given before, are [`InvalidInput`](Error::InvalidInput).
    /// - [`Fenced`](Error::Fenced) says that somebody else claimed the job meanwhile.
    pub async fn claim(
        &mut self,
        stores: Vec<StoreId>,
        annotations: &BTreeMap<String, String>,
    ) -> Result<&JobManifest, Error> {
        let needed = self.manifest.needed();
        let is_known = |store: &&StoreId| needed.contains(store) || self.manifest.stores.contains(store);
        if let Some(known) = stores.iter().find(is_known) {
            return Err(Error::InvalidInput(format!("the directory {known} belongs to an earlier generation")));
        }
        let workers = u32::try_from(stores.len()).ok().filter(|workers| *workers > 0);
        workers.ok_or_else(|| Error::InvalidInput("a job needs 1 worker or more".into()))?;
        let generation = self.manifest.generation + 1;
        let record = JobRecord { generation, stores, parts: self.manifest.parts.len() as u32 };
        self.manager.put(JOB_KEY, &json(&record)?)?;
        for (name, value) in annotations {
            self.manager.set_annotation(name, value);
        }
        self.write().await?;
        self.is_claimed = true;
        Ok(&self.manifest)
    }

    /// Commits an epoch: the parts, the positions of the sources, and the tokens of the sinks become durable
    /// together. When it resolves to `Ok`, the epoch counts, and no later generation had claimed the job before.
    ///
    /// - A log that was not claimed, an epoch that does not come after the one before, and parts that are not those
    ///   of this generation's workers are [`InvalidInput`](Error::InvalidInput).
    /// - [`Fenced`](Error::Fenced) says that a later generation has claimed the job.
    pub async fn commit(&mut self, commit: Commit) -> Result<&JobManifest, Error> {
        self.check(&commit)?;
        let before = self.manifest.parts.len();
        for (worker, part) in commit.parts.iter().enumerate() {
            self.manager.put(&part_key(worker as u32), &json(part)?)?;
        }
        for worker in commit.parts.len()..before {
            self.manager.delete(&part_key(worker as u32))?;
        }
        let (generation, stores) = (self.manifest.generation, self.manifest.stores.clone());
        self.manager.put(JOB_KEY, &json(&JobRecord { generation, stores, parts: commit.parts.len() as u32 })?)?;
        self.manager.set_epoch(commit.epoch)?;
        for (source, partitions) in commit.positions {
            for (partition, position) in partitions {
                self.manager.set_position(source.clone(), partition, position);
            }
        }
        for (sink, token) in commit.sinks {
            self.manager.set_sink_token(sink, token)?;
        }
        for (input, partitions) in commit.watermarks {
            for (partition, watermark_ms) in partitions {
                self.manager.set_partition_watermark(input.clone(), partition, watermark_ms);
            }
        }
        for (name, value) in commit.annotations {
            self.manager.set_annotation(name, value);
        }
        if let Some(watermark) = commit.watermark {
            self.manager.set_watermark(watermark);
        }
        self.write().await
    }

    fn check(&self, commit: &Commit) -> Result<(), Error> {
        let Commit { epoch, parts, .. } = commit;
        let invalid = |what: String| Err(Error::InvalidInput(format!("commit of epoch {epoch}: {what}")));
        if !self.is_claimed {
            return invalid("the job was not claimed".into());
        }
        if *epoch <= self.manifest.position.epoch {
            return invalid(format!("epoch {} was committed before", self.manifest.position.epoch));
        }
        if !parts.iter().map(|part| &part.store).eq(&self.manifest.stores) {
            return invalid(format!("the parts are not those of generation {}", self.manifest.generation));
        }
        check_cover(parts).or_else(invalid)
    }

    /// Makes what the manager holds the newest manifest.
    async fn write(&mut self) -> Result<&JobManifest, Error> {
        let written = self.manager.prepare_checkpoint(0)?.write().await?;
        let finished = self.manager.finish_checkpoint(written)?;
        self.maintenance = Some(finished.maintenance);
        let (id, position) = (finished.metadata.id, self.manager.position().clone());
        self.manifest = JobManifest::read(id, self.manager.state(), position)?;
        Ok(&self.manifest)
    }

    /// Applies retention to the manifests and compacts the log, after a claim or a commit. What goes wrong is in the
    /// report, and is tried again after the next commit. Without anything to do it returns `None`.
    pub async fn maintain(&mut self) -> Option<MaintenanceReport> {
        Some(self.maintenance.take()?.run().await)
    }
}

/// Reads the newest manifest of a job, or that of one checkpoint of its log. Returns `None` if the log is empty.
pub(super) async fn manifest_of<D: Directory>(directory: &D, id: Option<u64>) -> Result<Option<JobManifest>, Error> {
    let recovered = recover(directory, &RecoverOptions::new().checkpoint(id)).await?;
    let read = |found: crate::recovery::RecoveredCheckpoint| {
        JobManifest::read(found.metadata.id, &found.state, found.position())
    };
    recovered.map(read).transpose()
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Serialization(error.to_string()))
}
