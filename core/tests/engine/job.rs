//! Jobs in a simulation: generations that are killed at every step, other numbers of workers, and stale generations
//! that wake up later. `ALLUVIUM_JOB_KILLS` says how many kills there are, `ALLUVIUM_SEED` which.
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, MemoryDirectory, NewFile, Operation, Stores, Wanted, block_on,
};
use alluvium_core::job::ownership::{owner, ranges};
use alluvium_core::job::{Commit, JobLog, JobManifest, JobPart, StoreId, kept_manifests, unneeded};
use alluvium_core::model::hash::key_hash;
use alluvium_core::recovery::Part;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError as Error, IncrementalCheckpointManager, ManualClock, OpenOptions,
};

type Manager = IncrementalCheckpointManager<PartDirectory>;
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A generator of numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// The directory of a worker. Its files are created in no order, and a kill leaves any of them.
#[derive(Debug, Default)]
struct PartDirectory {
    files: MemoryDirectory,
    /// Which files of the next batch are created before the worker is killed, by their bits.
    killed_with: Mutex<Option<u64>>,
}

impl Directory for PartDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.files.list().await
    }
    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.files.read(path).await
    }
    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.files.read_range(path, offset, length).await
    }
    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.files.create(batch).await
    }
    async fn create_unordered_and_list_only(
        &self,
        batch: Vec<NewFile>,
        wanted: Wanted,
    ) -> Result<Vec<Entry>, DirectoryError> {
        let Some(bits) = self.killed_with.lock().unwrap().take() else {
            return self.files.create_and_list_only(batch, wanted).await;
        };
        for (at, file) in batch.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1) {
            assert!(at < 64, "a part has few files");
            self.files.create(vec![file]).await?;
        }
        Err(DirectoryError::new(DirectoryErrorKind::Io, Operation::Create, ""))
    }
    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.files.delete(paths).await
    }
}

/// Where the directories of a job are.
#[derive(Default)]
struct Storage {
    log: Arc<MemoryDirectory>,
    parts: BTreeMap<StoreId, Arc<PartDirectory>>,
    drawn: u64,
}

impl Storage {
    fn options(&mut self) -> OpenOptions {
        self.drawn += 1;
        let clock = Arc::new(ManualClock::new(1_000));
        OpenOptions::new(clock).store_id(self.draw().0).writer(self.drawn)
    }

    fn draw(&mut self) -> StoreId {
        self.drawn += 1;
        StoreId(u128::from(self.drawn).to_be_bytes())
    }
}

/// The processes of one generation.
struct Generation {
    log: JobLog<MemoryDirectory>,
    workers: Vec<Manager>,
    epoch: u64,
}

fn config() -> CheckpointConfig {
    CheckpointConfig::new().with_max_retained(3)
}

impl Generation {
    /// Claims the job, and opens the directories of its workers.
    fn start(storage: &mut Storage, workers: u32) -> Self {
        let options = storage.options();
        let mut log = block_on(JobLog::open(storage.log.clone(), config().with_max_retained(2), options)).unwrap();
        let stores: Vec<StoreId> = (0..workers).map(|_| storage.draw()).collect();
        let manifest = block_on(log.claim(stores, &BTreeMap::new())).unwrap().clone();
        let others = storage.parts.iter().fold(Stores::new(), |all, (id, at)| all.with(id.0, at.clone()));
        let open = |(range, store): (_, &StoreId)| {
            let part = |source: alluvium_core::job::Source| {
                Part::new(storage.parts[&source.store].clone(), source.checkpoint, source.range)
            };
            let parts: Vec<Part<PartDirectory>> = manifest.sources(range).into_iter().map(part).collect();
            let own = Arc::new(PartDirectory::default());
            let options = OpenOptions::new(Arc::new(ManualClock::new(1_000))).store_id(store.0).writer(7);
            let options = options.named_elsewhere(true);
            let open = Manager::open_parts(own.clone(), &parts, others.clone(), range, config(), options);
            (*store, own, block_on(open).unwrap())
        };
        let opened: Vec<_> = ranges(workers).into_iter().zip(&manifest.stores).map(open).collect();
        let mut managers = Vec::new();
        for (store, own, manager) in opened {
            storage.parts.insert(store, own);
            managers.push(manager);
        }
        let digest = managers.iter().fold(0_u64, |sum, worker| sum.wrapping_add(worker.digest()));
        assert_eq!(digest, manifest.digest(), "what was opened is what was committed");
        Self { log, workers: managers, epoch: manifest.position.epoch }
    }

    /// Works on an epoch, and returns what the state is afterwards.
    fn work(&mut self, committed: &Model, numbers: &mut Numbers) -> Model {
        let mut model = committed.clone();
        let workers = self.workers.len() as u32;
        for _ in 0..numbers.below(12) {
            let key = format!("key {}", numbers.below(60)).into_bytes();
            let worker = &mut self.workers[owner(key_hash(&key), workers) as usize];
            let count = worker.get(&key).map_or(0, |value| u64::from_le_bytes(value.try_into().unwrap())) + 1;
            worker.put(&key, &count.to_le_bytes()).unwrap();
            model.insert(key, count.to_le_bytes().to_vec());
        }
        model
    }

    /// Writes the parts of some of the workers, or of all.
    fn write_parts(&mut self, only: usize) -> Vec<JobPart> {
        let write = |worker: &mut Manager| {
            let metadata = block_on(worker.create_checkpoint(0)).unwrap();
            JobPart::of(&metadata, worker.owned_range()).unwrap()
        };
        self.workers.iter_mut().take(only).map(write).collect()
    }

    fn commit(&mut self, parts: Vec<JobPart>) -> Result<(), Error> {
        self.epoch += 1;
        let committed = block_on(self.log.commit(Commit { epoch: self.epoch, parts, ..Commit::default() }));
        committed.map(drop)
    }
}

/// Deletes the directories that no manifest needs.
fn collect(storage: &mut Storage) {
    let existing: BTreeSet<StoreId> = storage.parts.keys().copied().collect();
    let kept = block_on(kept_manifests(&*storage.log)).unwrap();
    for gone in unneeded(&existing, &kept) {
        storage.parts.remove(&gone);
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text:?}")))
}

#[test]
fn no_kill_and_no_stale_generation_changes_what_was_committed() {
    let (mut numbers, mut storage) = (Numbers(number("ALLUVIUM_SEED", 1)), Storage::default());
    let (mut committed, mut kills, mut fenced, mut torn) = (Model::new(), 0, 0, 0);
    let mut stale: Vec<Generation> = Vec::new();
    while kills < number("ALLUVIUM_JOB_KILLS", 1_500) {
        let mut generation = Generation::start(&mut storage, 1 + numbers.below(4) as u32);
        let found: Model = generation
            .workers
            .iter()
            .flat_map(|worker| worker.iter().map(|(key, value)| (key.to_vec(), value.to_vec())))
            .collect();
        assert_eq!(found, committed, "after {kills} kills");
        for _ in 0..numbers.below(4) {
            let worked = generation.work(&committed, &mut numbers);
            let parts = generation.write_parts(usize::MAX);
            // The rightful owner is never fenced, whatever stale generations did.
            generation.commit(parts).unwrap();
            committed = worked;
            if numbers.below(3) == 0 {
                let report = block_on(generation.log.maintain()).unwrap();
                assert_eq!(report.errors, Vec::<String>::new());
            }
            if numbers.below(5) == 0 {
                collect(&mut storage);
            }
        }
        // It is killed at one of its steps: before, between and after the parts of an epoch that does not count.
        let _ = generation.work(&committed, &mut numbers);
        let parts = numbers.below(generation.workers.len() as u64 + 1) as usize;
        generation.write_parts(parts);
        kills += 1;
        if numbers.below(3) == 0 {
            // It was only stopped.
            stale.push(generation);
        } else if let Some(worker) = generation.workers.get_mut(parts) {
            // Another worker was killed while it wrote its part: any of its files may be there.
            *worker.directory().killed_with.lock().unwrap() = Some(numbers.below(1 << 31));
            assert!(block_on(worker.create_checkpoint(0)).is_err(), "it was killed");
            torn += 1;
        }
        if stale.len() > 3 {
            let mut zombie = stale.remove(numbers.below(3) as usize);
            // Once another generation has claimed the job, a stale one cannot commit any more.
            let mut next = Generation::start(&mut storage, 1);
            let _ = zombie.work(&committed, &mut numbers);
            let parts = zombie.write_parts(usize::MAX);
            let error = zombie.commit(parts).unwrap_err();
            assert!(matches!(error, Error::Fenced(_)), "{error}");
            fenced += 1;
            let parts = next.write_parts(usize::MAX);
            next.commit(parts).unwrap();
        }
    }
    assert!(fenced > 0 && torn > 0);
    println!(
        "{kills} kills, {torn} of them within the files of a part, {fenced} stale generations fenced, 0 wrong states, 0 rightful owners fenced"
    );
}

#[test]
fn what_a_log_cannot_take_is_refused() {
    let mut storage = Storage::default();
    let mut generation = Generation::start(&mut storage, 2);
    let parts = generation.write_parts(2);
    let message = |result: Result<(), Error>| result.unwrap_err().to_string();
    assert!(message(generation.commit(parts[..1].to_vec())).contains("not those of generation 1"));
    let swapped: Vec<JobPart> = parts.iter().rev().cloned().collect();
    assert!(message(generation.commit(swapped)).contains("not those of generation 1"));
    let mut gap = parts.clone();
    gap[1].range = gap[0].range;
    assert!(message(generation.commit(gap)).contains("part 1 does not begin where the one before it ends"));
    generation.commit(parts.clone()).unwrap();
    generation.epoch -= 1;
    assert!(message(generation.commit(parts)).contains("was committed before"));
    let claim = |log: &mut JobLog<MemoryDirectory>, stores: Vec<StoreId>| {
        block_on(log.claim(stores, &BTreeMap::new())).map(drop).unwrap_err().to_string()
    };
    let stores = generation.log.manifest().stores.clone();
    assert!(claim(&mut generation.log, stores).contains("belongs to an earlier generation"));
    assert!(claim(&mut generation.log, Vec::new()).contains("1 worker or more"));
    // A directory that is no log of a job is not taken for one.
    let other = Arc::new(MemoryDirectory::new());
    let options = storage.options().create(true);
    let opened = IncrementalCheckpointManager::open(other.clone(), config(), options.clone());
    let mut manager = block_on(opened).unwrap();
    manager.put(b"a key", b"of a stream").unwrap();
    block_on(manager.create_checkpoint(0)).unwrap();
    let error = block_on(JobLog::open(other.clone(), config(), options)).map(drop).unwrap_err();
    assert!(error.to_string().contains("is no manifest of a job"), "{error}");
    assert!(block_on(JobManifest::find(&*other, None)).is_err());
}
