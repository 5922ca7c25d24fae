//! Claims a job, and starts what commits its epochs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use alluvium_connectors::source::Renamed;
use alluvium_core::directory::block_on;
use alluvium_core::job::{JobLog, JobManifest, StoreId};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointError, OpenOptions};
use serde::{Deserialize, Serialize};

use crate::committer::{Committer, Committing, FINISHED, Growth};
use crate::error::ClusterError;
use crate::failure::Failure;
use crate::inputs::Input;
use crate::left;
use crate::operator::Build;
use crate::run::{Job, output};
use crate::storage::Storage;

/// The annotation of the log that names the operator.
const OPERATOR: &str = "job.operator";

/// What all processes must agree on. The first one decides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) manifest: JobManifest,
    /// The partitions of each input.
    pub(super) partitions: Vec<Vec<String>>,
    /// Those of each input that were read under another name.
    pub(super) renamed: Vec<Renamed>,
    pub(super) is_finished: bool,
}

impl Plan {
    /// Returns the name by which the manifest knows a partition, if it does.
    pub(super) fn known_as<'a>(&'a self, input: u32, name: &'a str) -> Option<&'a str> {
        let renamed = self.renamed.get(input as usize).and_then(|renamed| renamed.get(name));
        renamed.map_or(Some(name), Option::as_deref)
    }
}

/// The log of a job that was claimed, and what was decided. There is no log if there is nothing to do.
type Claimed<D> = (Option<JobLog<D>>, Plan);

impl<S: Storage, B: Build<S::Directory>> Job<S, B> {
    /// Claims the job for a generation of this many workers, unless it has finished.
    pub(super) fn claim(&self, workers: usize) -> Result<Claimed<S::Directory>, ClusterError> {
        let mut log = open_log(&*self.storage, self.options.max_retained)?;
        let (name, annotations) = (self.operator.name(), &log.manifest().position.annotations);
        if let Some(other) = annotations.get(OPERATOR).filter(|other| **other != name) {
            let what = format!("the job belongs to the operator {other:?}, and not to {name:?}");
            return Err(ClusterError::Options(what));
        }
        let partitions = self.inputs.iter().map(Input::partitions).collect::<Result<Vec<_>, _>>()?;
        if annotations.contains_key(FINISHED) {
            let manifest = self.complete_outputs(log)?;
            return Ok((None, Plan { manifest, partitions, renamed: Vec::new(), is_finished: true }));
        }
        let mut renamed = Vec::new();
        for (input, partitions) in self.inputs.iter().zip(&partitions) {
            let known = log.manifest().position.positions.get(input.name());
            renamed.push(known.map(|known| input.renamed(partitions, known)).transpose()?.unwrap_or_default());
        }
        let stores = (0..workers).map(|_| random().map(StoreId)).collect::<Result<_, _>>()?;
        let annotations = BTreeMap::from([(OPERATOR.to_owned(), name)]);
        let mut manifest = block_on(log.claim(stores, &annotations))?.clone();
        for ((input, partitions), renamed) in self.inputs.iter().zip(&partitions).zip(&renamed) {
            left::find(input, partitions, renamed, &mut manifest)?;
        }
        Ok((Some(log), Plan { manifest, partitions, renamed, is_finished: false }))
    }

    /// Completes the outputs of a job that has finished: its last process may have ended before they were shown.
    fn complete_outputs(&self, mut log: JobLog<S::Directory>) -> Result<JobManifest, ClusterError> {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        if outputs.is_empty() {
            return Ok(log.manifest().clone());
        }
        // It takes a generation of its own, as everything that writes to outputs.
        let manifest = block_on(log.claim(vec![StoreId(random()?)], &BTreeMap::new()))?.clone();
        output::recover(&*self.storage, &mut outputs, &manifest)?;
        Ok(manifest)
    }

    /// Recovers the outputs, and starts what commits.
    pub(super) fn committer(
        &mut self,
        log: JobLog<S::Directory>,
        plan: &Plan,
        failure: &Failure,
    ) -> Result<Committer, ClusterError> {
        // Recovery cuts off what was not committed. If a later generation has begun meanwhile, that may be its output.
        let newest = block_on(JobManifest::find(&**log.directory(), None))?;
        if newest.is_some_and(|newest| newest.generation != plan.manifest.generation) {
            let what = "a later generation has claimed the job before this one has begun";
            return Err(IncrementalCheckpointError::Fenced(what.into()).into());
        }
        let mut outputs = std::mem::take(self.outputs.get_mut().unwrap_or_else(PoisonError::into_inner));
        output::recover(&*self.storage, &mut outputs, &plan.manifest)?;
        let names = self.inputs.iter().map(|input| input.name().to_owned());
        let committing = Committing {
            log,
            storage: self.storage.clone(),
            outputs,
            dead_letter: self.dead_letter.clone(),
            partitions: names.zip(plan.partitions.iter().cloned()).collect(),
            growth: Growth::watch(&self.inputs, &plan.partitions)?,
            max_retained: self.options.max_retained,
            watch: self.watch.clone(),
            commits: 0,
        };
        Committer::start(committing, failure.clone())
    }
}

/// Claims a job without working on it: no process that runs it now can commit any more. Returns the generation.
pub fn claim<S: Storage>(storage: &S) -> Result<u64, ClusterError> {
    let mut log = open_log(storage, 3)?;
    Ok(block_on(log.claim(vec![StoreId(random()?)], &BTreeMap::new()))?.generation)
}

fn open_log<S: Storage>(storage: &S, max_retained: u32) -> Result<JobLog<S::Directory>, ClusterError> {
    let config = CheckpointConfig::new().with_max_retained(max_retained as usize);
    let options = OpenOptions::new(Arc::new(alluvium::SystemClock::new()));
    let options = options.store_id(random()?).writer(u64::from_le_bytes(random()?));
    Ok(block_on(JobLog::open(Arc::new(storage.log()?), config, options))?)
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], ClusterError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| ClusterError::Options(format!("no randomness: {error}")))?;
    Ok(bytes)
}
