//! Round trips to an object store: how many requests of a step wait for one before them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alluvium_bench::report::Report;
use alluvium_core::directory::{Stores, block_on};
use alluvium_core::job::{Commit, JobLog, JobPart, StoreId, ownership};
use alluvium_core::recovery::Part;
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
use alluvium_object::{ObjectDirectory, ObjectOptions};
use alluvium_test_servers::watched::{Counts, Fault, Watched};
use anyhow::{Context, Result};

type Manager = IncrementalCheckpointManager<ObjectDirectory>;

/// Workers, and the log of their job.
pub(super) struct Job {
    store: Arc<Watched>,
    log: JobLog<ObjectDirectory>,
    workers: Vec<Manager>,
    epoch: u64,
    /// What was counted so far, without regard to what happens at the same time.
    counts: Counts,
}

impl Job {
    fn root(store: &Arc<Watched>) -> Result<ObjectDirectory> {
        Ok(ObjectDirectory::over(store.clone(), "job", ObjectOptions::default())?)
    }

    fn options(writer: u64) -> OpenOptions {
        OpenOptions::new(Arc::new(ManualClock::new(0))).create(true).writer(writer)
    }

    /// Starts a generation of workers, as all processes of a job together do.
    pub(super) fn start(store: &Arc<Watched>, generation: u8, count: u8) -> Result<Self> {
        let (root, config) = (Self::root(store)?, CheckpointConfig::new());
        let options = Self::options(u64::from(generation)).store_id([255; 16]);
        let mut log = block_on(JobLog::open(Arc::new(root.below("log")?), config.clone(), options))?;
        let stores: Vec<StoreId> = (0..count).map(|worker| StoreId([generation * 8 + worker; 16])).collect();
        let manifest = block_on(log.claim(stores.clone(), &BTreeMap::new()))?.clone();
        // Workers start at the same time, so one of them stands for all.
        let mut workers = Vec::new();
        for (worker, (id, range)) in (0_u32..).zip(stores.into_iter().zip(ownership::ranges(count.into()))) {
            let before = store.take_counts();
            let directory = |id: StoreId| Ok::<_, anyhow::Error>(Arc::new(root.below(&format!("parts/{id}"))?));
            let sources = manifest.sources(range);
            let parts: Vec<Part<ObjectDirectory>> = sources
                .iter()
                .map(|source| Ok(Part::new(directory(source.store)?, source.checkpoint, source.range)))
                .collect::<Result<_>>()?;
            let needed: BTreeSet<StoreId> = manifest.needed_for(range);
            let mut stores = Stores::new();
            for id in needed {
                stores = stores.with(id.0, directory(id)?);
            }
            let options = Self::options(100 + u64::from(generation)).store_id(id.0).named_elsewhere(true);
            workers.push(block_on(Manager::open_parts(
                directory(id)?,
                &parts,
                stores,
                range,
                config.clone(),
                options,
            ))?);
            if worker == 0 {
                store.add_counts(before);
            } else {
                // What the others do at the same time adds no trip.
                let other = store.take_counts();
                store.add_counts(before.alongside(other));
            }
        }
        let epoch = manifest.position.epoch;
        Ok(Self { store: store.clone(), log, workers, epoch, counts: Counts::default() })
    }

    /// Changes keys, and makes the parts of an epoch. Returns how many round trips the part of one worker needed.
    fn parts(&mut self, keys: std::ops::Range<u64>) -> Result<(Vec<JobPart>, u64)> {
        self.epoch += 1;
        let (mut parts, mut trips) = (Vec::new(), 0);
        for worker in &mut self.workers {
            for key in keys.clone() {
                let key = format!("key-{key:06}");
                if worker.owns(key.as_bytes()) {
                    worker.put(key.as_bytes(), format!("{:032}", self.epoch).as_bytes())?;
                }
            }
            worker.set_epoch(self.epoch)?;
            count(&self.store, &mut self.counts);
            let written = block_on(worker.prepare_checkpoint(0)?.write())?;
            trips = trips.max(count(&self.store, &mut self.counts).trips);
            let finished = worker.finish_checkpoint(written)?;
            parts.push(JobPart::of(&finished.metadata, worker.owned_range())?);
            block_on(finished.maintenance.run());
        }
        Ok((parts, trips))
    }

    /// Commits an epoch. Returns how many round trips the part of a worker needed, and how many the commit.
    pub(super) fn epoch(&mut self, keys: std::ops::Range<u64>) -> Result<(u64, u64)> {
        let (parts, of_part) = self.parts(keys)?;
        count(&self.store, &mut self.counts);
        block_on(self.log.commit(Commit { epoch: self.epoch, parts, ..Commit::default() }))?;
        let of_commit = count(&self.store, &mut self.counts).trips;
        block_on(self.log.maintain());
        Ok((of_part, of_commit))
    }

    /// Returns what was counted since this was last asked.
    pub(super) fn take_counts(&mut self) -> Counts {
        count(&self.store, &mut self.counts);
        std::mem::take(&mut self.counts)
    }
}

/// Adds what was counted since this was last asked, and returns it.
fn count(store: &Watched, all: &mut Counts) -> Counts {
    let counts = store.take_counts();
    *all = all.alongside(counts);
    counts
}

pub(super) fn run(report: &mut Report) -> Result<()> {
    let store = Arc::new(Watched::with(Fault::None));
    let mut job = Job::start(&store, 0, 2)?;
    job.epoch(0..20_000)?;
    let (mut of_part, mut of_commit) = (0, 0);
    for epoch in 0..30 {
        let (part, commit) = job.epoch(epoch * 400..epoch * 400 + 400)?;
        (of_part, of_commit) = (of_part.max(part), of_commit.max(commit));
    }
    let part = job.log.manifest().parts.first().context("the job has parts")?.clone();
    drop(job);
    store.take_counts();
    let mut again = Job::start(&store, 1, 2)?;
    let of_start = store.take_counts();
    drop(again.parts(0..1)?);
    // One directory alone, as every program opens its own.
    let directory = Job::root(&store)?.below(&format!("parts/{}", part.store))?;
    store.take_counts();
    block_on(Manager::open(Arc::new(directory), CheckpointConfig::new(), Job::options(9)))?;
    let of_recovery = store.take_counts().trips;
    let held = "the most of 30 epochs; sequential requests, of which each takes 20 ms";
    report.goal("cluster_part_trips", of_part as f64, "<= 2", "trips", held)?;
    report.goal("cluster_commit_trips", of_commit as f64, "<= 3", "trips", held)?;
    report.goal("cluster_recover_trips", of_recovery as f64, "<= 4", "trips", "a directory is opened")?;
    let what = format!(
        "a generation of two workers starts: the log is opened, the job claimed, the parts opened; {} requests",
        of_start.puts + of_start.gets + of_start.lists + of_start.deletes
    );
    report.figure("cluster_start_trips", of_start.trips as f64, "trips", &what)?;
    Ok(())
}
