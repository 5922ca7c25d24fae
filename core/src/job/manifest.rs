//! What a checkpoint of a job's log says: who works on the job, and the parts of its state.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::job::part::JobPart;
use crate::job::store_id::StoreId;
use crate::model::hash_range::HashRange;
use crate::model::position::StreamPosition;
use crate::state::State;

/// The key under which the log has what belongs to no part.
pub(super) const JOB_KEY: &[u8] = b"job";
/// What the keys of parts begin with.
const PART_LEAD: &str = "part:";

/// What belongs to no part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobRecord {
    pub(super) generation: u64,
    pub(super) stores: Vec<StoreId>,
    pub(super) parts: u32,
}

/// A consistent state of a job, and who works on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobManifest {
    /// The checkpoint of the log. It is 0 if the job has none yet.
    pub checkpoint: u64,
    /// How often the job was claimed.
    pub generation: u64,
    /// The directories of the workers of this generation, by worker.
    pub stores: Vec<StoreId>,
    /// The parts of the state, by worker of the generation that committed them. Before the first commit of a
    /// generation, these are the parts of an earlier one. There are none before the first commit of the job.
    pub parts: Vec<JobPart>,
    /// The position in the stream.
    pub position: StreamPosition,
}

/// A part of an earlier generation that a worker's state is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The directory.
    pub store: StoreId,
    /// The checkpoint in it.
    pub checkpoint: u64,
    /// The hashes of the keys that the worker takes from it.
    pub range: HashRange,
}

impl JobManifest {
    /// Returns the number of keys of the job.
    pub fn keys(&self) -> u64 {
        self.parts.iter().map(|part| part.keys).sum()
    }

    /// Returns the bytes of all keys and values of the job.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// Returns the digest of the job's state. It does not depend on the number of workers.
    pub fn digest(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.wrapping_add(part.digest))
    }

    /// Returns what the state of a worker that owns `range` is made of.
    pub fn sources(&self, range: HashRange) -> Vec<Source> {
        let source = |part: &JobPart| {
            let range = part.range.intersection(range)?;
            Some(Source { store: part.store, checkpoint: part.checkpoint, range })
        };
        self.parts.iter().filter_map(source).collect()
    }

    /// Returns the directories that hold the parts, and those whose segments the parts name.
    pub fn needed(&self) -> BTreeSet<StoreId> {
        self.needed_for(HashRange::ALL)
    }

    /// Returns those of [`needed`](Self::needed) that the state of a worker that owns `range` may be read from.
    pub fn needed_for(&self, range: HashRange) -> BTreeSet<StoreId> {
        let parts = self.parts.iter().filter(|part| part.range.intersection(range).is_some());
        parts.flat_map(|part| part.others.iter().copied().chain([part.store])).collect()
    }

    /// Reads what a checkpoint of the log says.
    pub(super) fn read(checkpoint: u64, state: &State, position: StreamPosition) -> Result<Self, Error> {
        let record: JobRecord = match state.get(JOB_KEY) {
            Some(json) => parse(checkpoint, "job", json)?,
            None if state.is_empty() => JobRecord::default(),
            None => return Err(not_a_job(checkpoint, "it has no entry \"job\"".into())),
        };
        let parts = (0..record.parts).map(|worker| {
            let key = part_key(worker);
            let json = state.get(&key).ok_or_else(|| not_a_job(checkpoint, format!("part {worker} is missing")))?;
            parse(checkpoint, &format!("part {worker}"), json)
        });
        let parts = parts.collect::<Result<Vec<JobPart>, Error>>()?;
        check_cover(&parts).map_err(|what| not_a_job(checkpoint, what))?;
        Ok(Self { checkpoint, generation: record.generation, stores: record.stores, parts, position })
    }
}

/// Returns the key of the part of a worker.
pub(super) fn part_key(worker: u32) -> Vec<u8> {
    format!("{PART_LEAD}{worker:08}").into_bytes()
}

/// Checks that parts, if there are any, cover all hashes, each once.
pub(super) fn check_cover(parts: &[JobPart]) -> Result<(), String> {
    let mut next = Some(0);
    for (worker, part) in parts.iter().enumerate() {
        if next != Some(part.range.first()) {
            return Err(format!("part {worker} does not begin where the one before it ends"));
        }
        next = part.range.last().checked_add(1);
    }
    if parts.is_empty() || next.is_none() { Ok(()) } else { Err("the parts do not cover all hashes".into()) }
}

fn parse<T: for<'de> Deserialize<'de>>(checkpoint: u64, name: &str, json: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| not_a_job(checkpoint, format!("{name}: {error}")))
}

fn not_a_job(checkpoint: u64, what: String) -> Error {
    Error::unknown(format!("checkpoint {checkpoint} is no manifest of a job"), what)
}
