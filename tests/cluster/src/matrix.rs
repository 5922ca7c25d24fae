//! Runs jobs of one cell of the matrix until there were enough kills, and compares what they leave with a count.

use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::cells::{Cell, Event};
use crate::expected::{Expected, in_epochs};
use crate::inputs::{Inputs, PARTITIONS};
use crate::outputs::Output;
use crate::processes::{Layout, PATIENCE, Processes};
use crate::storage::{JobAt, Storages};

/// How long a process may live after another one of its job was killed.
const BOUND: Duration = Duration::from_secs(20);
/// So many records of each partition make an epoch.
const EPOCH_RECORDS: usize = 25;
/// Each count that this divides is emitted.
const EVERY: u64 = 10;
/// So many generations a job has at most before its last one.
const GENERATIONS_MAX: u32 = 12;
/// The layouts of a job whose number of workers changes.
const LAYOUTS: [Layout; 5] = [layout(1, 1), layout(2, 1), layout(3, 1), layout(2, 2), layout(1, 1)];

const fn layout(processes: usize, threads: usize) -> Layout {
    Layout { processes, threads }
}

/// What was done in a cell.
#[derive(Debug, Default, Clone, Copy)]
pub struct Done {
    /// How many processes were killed or stopped.
    pub kills: u64,
    /// How many jobs were compared with a count.
    pub jobs: u64,
    /// How many generations were started.
    pub generations: u64,
}

/// Runs jobs of a cell until there were so many kills. It panics with what is wrong. It is `None` where a server is
/// missing, which was said.
pub fn run(cell: Cell, kills: u64, seed: u64) -> Option<Done> {
    let storages = Storages::start(cell.storage)?;
    let mut inputs = Inputs::start(cell.input);
    let mut random = Rng::with_seed(seed);
    let mut done = Done::default();
    while done.kills < kills {
        let folder = tempfile::tempdir().unwrap();
        let mut job = RunningJob::begin(cell, folder.path(), &storages, &mut inputs, random.fork());
        job.run(&mut done);
        done.jobs += 1;
    }
    Some(done)
}

/// One job.
struct RunningJob<'j> {
    cell: Cell,
    folder: &'j Path,
    inputs: &'j Inputs,
    at: JobAt,
    output: Output,
    arguments: Vec<String>,
    random: Rng,
    /// The records of each partition so far.
    records: Vec<Vec<String>>,
    /// Processes of earlier generations that stand still.
    zombies: Vec<Processes>,
}

impl<'j> RunningJob<'j> {
    fn begin(cell: Cell, folder: &'j Path, storages: &Storages, inputs: &'j mut Inputs, random: Rng) -> Self {
        let input = inputs.begin(folder);
        // The cluster in memory that stands for Kafka fences no producer: it takes what a process that continues still sends.
        let is_unfenced = matches!((cell.event, &*inputs), (Event::StopAll | Event::StopOne, Inputs::Kafka { .. }));
        let output = if is_unfenced { Output::file(folder) } else { Output::beside(inputs, folder) };
        let at = storages.job(folder);
        let (every, epoch) = (EVERY.to_string(), EPOCH_RECORDS.to_string());
        let mut arguments = vec!["--job", &at.address, "--input", &input, "--output", output.address()];
        arguments.extend(["--every", &every, "--epoch-records", &epoch]);
        if !inputs.have_end() {
            arguments.extend(["--epoch-interval", "20"]);
        }
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        let records = vec![Vec::new(); PARTITIONS];
        Self { cell, folder, inputs, at, output, arguments, random, records, zombies: Vec::new() }
    }

    fn run(&mut self, done: &mut Done) {
        if self.inputs.have_end() {
            self.publish(500..2_000);
        }
        for generation in 0..GENERATIONS_MAX {
            if !self.inputs.have_end() {
                self.publish(0..200);
            }
            let mut processes = self.start(generation);
            done.generations += 1;
            let epochs = self.random.u64(..if self.inputs.have_end() { 12 } else { 6 });
            if !processes.wait_for_epochs(epochs) {
                return self.finish(processes, done);
            }
            // Somewhere within an epoch.
            std::thread::sleep(Duration::from_micros(self.random.u64(..8_000)));
            self.interrupt(processes, epochs, done);
            if self.zombies.len() > 1 {
                let zombie = self.zombies.remove(0);
                zombie.continue_all();
                std::thread::sleep(Duration::from_millis(self.random.u64(..60)));
                zombie.kill_all();
            }
        }
        let processes = self.start(GENERATIONS_MAX);
        done.generations += 1;
        self.finish(processes, done);
    }

    /// Adds records to each partition. No two partitions have a word in common, so the counts of a word come in the
    /// same order wherever epochs are cut.
    fn publish(&mut self, count: std::ops::Range<usize>) {
        for partition in 0..PARTITIONS {
            let from = self.records[partition].len();
            let count = self.random.usize(count.clone());
            let record = |at: usize| format!("p{partition}w{} {}", self.random.u8(..9), from + at);
            let more: Vec<String> = (0..count).map(record).collect();
            self.inputs.publish(self.folder, partition, &more);
            self.records[partition].extend(more);
        }
    }

    fn start(&mut self, generation: u32) -> Processes {
        let layout = match self.cell.event {
            Event::Rescale => LAYOUTS[generation as usize % LAYOUTS.len()],
            // One that stands still must have another one that notices.
            Event::StopOne => layout(self.random.usize(2..4), 1),
            _ => layout(self.random.usize(1..4), self.random.usize(1..3)),
        };
        Processes::start(self.folder, layout, &self.arguments, &self.at.environment)
    }

    fn interrupt(&mut self, mut processes: Processes, epochs: u64, done: &mut Done) {
        let count = processes.count();
        // Before the first epoch, the others may still wait for the one that was killed to come back, and one that has
        // not claimed the job would claim it later, and rightly.
        match self.cell.event {
            Event::KillOne if epochs > 0 => {
                processes.kill(self.random.usize(..count));
                done.kills += 1;
                self.ends_by_itself(&mut processes);
            }
            Event::StopAll if epochs > 0 => {
                processes.stop_all();
                done.kills += count as u64;
                self.zombies.push(processes);
            }
            Event::StopOne if epochs > 0 => {
                let number = self.random.usize(..count);
                processes.stop(number);
                done.kills += 1;
                let stopped = processes.take(number);
                self.ends_by_itself(&mut processes);
                self.zombies.push(stopped);
            }
            _ => {
                done.kills += count as u64;
                processes.kill_all();
            }
        }
    }

    fn ends_by_itself(&self, processes: &mut Processes) {
        let begun = Instant::now();
        let ended = processes.wait(BOUND);
        assert!(begun.elapsed() < BOUND, "{}: {}", self.cell, ended.messages);
    }

    /// The last generation, and everything before it, must have counted each record once.
    fn finish(&mut self, mut processes: Processes, done: &Done) {
        let cell = self.cell;
        let in_order = in_epochs(&self.records, EPOCH_RECORDS);
        let mut expected = Expected::of(in_order, EVERY);
        if self.inputs.have_end() {
            let ended = processes.wait(PATIENCE);
            assert!(ended.is_finished, "{cell}: a rightful generation stopped by itself: {}", ended.messages);
        } else {
            let is_there = processes.wait_for_state(expected.state());
            assert!(is_there, "{cell}: a rightful generation stopped by itself: {}", processes.wait(PATIENCE).messages);
            // What an epoch emitted is published after its commit, and the next epoch is after that.
            assert!(processes.wait_for_epochs(2), "{cell}: {}", processes.wait(PATIENCE).messages);
            processes.kill_all();
        }
        for mut zombie in self.zombies.drain(..) {
            zombie.continue_all();
            // It ends with an error, unless it was stopped after it had committed the last epoch.
            zombie.wait(PATIENCE);
        }
        let mut output = self.output.content(self.inputs, expected.output.len());
        if !self.inputs.have_end() {
            // Where the epochs of live inputs are cut depends on the clock, and with it the order of different words.
            output.sort_unstable();
            expected.output.sort_unstable();
        }
        assert_eq!(output, expected.output, "{cell}: the output of the job, after {} kills", done.kills);
        let status = self.at.status();
        let state = (status.manifest.keys(), status.manifest.digest());
        assert_eq!(state, expected.state(), "{cell}: the state, after {} kills", done.kills);
    }
}
