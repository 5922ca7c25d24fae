//! From one stream of JetStream to another at full speed, by a command that is killed again and again.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use alluvium_test_harness::command::recovered;
use alluvium_test_servers::nats::Server;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig, OrderedError};
use async_nats::jetstream::stream::Config;
use fastrand::Rng;
use futures_util::StreamExt;
use rustix::process::Signal;

use crate::Outcome;
use crate::life::{Life, PATIENCE};
use crate::program::Program;
use crate::records::{Counter, Record, draw};

/// How many lines may be on the way: so many that the command is never out of work.
const AHEAD_MAX: usize = 100_000;

/// How many records are drawn and published at a time.
const LOT: usize = 500;

/// After how many lines the streams forget what was taken, so that they stay small.
const FORGET_EVERY: u64 = 200_000;

/// How many messages stay in the streams all the same: the newest say where the command is.
const KEPT: u64 = 10_000;

/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long a process runs before its memory counts: it opens, and fills its buffers.
const SETTLES: Duration = Duration::from_secs(3);

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Endured {
    /// Records that were published, and lines that came out, each as counted here.
    pub records: u64,
    /// See `records`.
    pub lines: u64,
    /// How often the command was killed.
    pub kills: u64,
    /// How long it took.
    pub took: Duration,
    /// Resident bytes of each process: the first that counts, and the most.
    pub memory: Vec<(u64, u64)>,
}

impl Endured {
    /// What happened, for people.
    pub fn sentence(&self) -> String {
        let Self { records, lines, kills, took, .. } = self;
        let rate = *records as f64 / took.as_secs_f64();
        let seconds = took.as_secs();
        format!(
            "{records} records became {lines} lines in {seconds} s, {rate:.0} a second, with {kills} kills: each line once"
        )
    }

    /// How much the memory grew, from the first process's at first to the most of any.
    pub fn growth(&self) -> f64 {
        let first = self.memory.first().map_or(1, |(first, _)| *first);
        let most = self.memory.iter().map(|(_, most)| *most).max().unwrap_or(1);
        most as f64 / first as f64
    }
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    /// No more records are to be published.
    is_over: AtomicBool,
    /// All lines that belong to them were compared, or one differs.
    is_compared: AtomicBool,
    /// The command ended by itself.
    is_alone: AtomicBool,
    /// Records that were published, and those that are in a checkpoint.
    published: AtomicU64,
    durable: AtomicU64,
    /// Lines that were compared.
    lines: AtomicU64,
}

fn config(name: &str) -> Config {
    Config { name: name.to_owned(), subjects: vec![format!("{name}.>")], ..Config::default() }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Runs for so long, with a kill after each `period`.
pub fn endure(program: &Program, time: Duration, period: Duration, seed: u64) -> Outcome<Endured> {
    let server = Server::start();
    server.create(config("IN"));
    server.create(config("OUT"));
    let scratch = tempfile::tempdir().map_err(text)?;
    let shared = Shared::default();
    let began = Instant::now();
    let (mut endured, counter) = std::thread::scope(|scope| {
        let (server, shared) = (&server, &shared);
        let (sender, expected) = sync_channel(AHEAD_MAX);
        let publishing = scope.spawn(move || publish(server, shared, seed, sender));
        let comparing = scope.spawn(move || {
            let compared = compare(server, shared, &expected);
            shared.is_compared.store(true, Ordering::SeqCst);
            compared
        });
        let lived = Lives { program, server, directory: scratch.path(), shared }.all(time, period, seed);
        shared.is_over.store(true, Ordering::SeqCst);
        shared.is_alone.store(lived.is_err(), Ordering::SeqCst);
        let counter = publishing.join().map_err(|_| "the publisher panicked")?;
        let compared = comparing.join().map_err(|_| "what compares panicked")?;
        // Without the command no line comes: why it ended is the cause.
        let lived = lived?;
        compared?;
        Ok::<_, String>((lived, counter))
    })?;
    endured.took = began.elapsed();
    endured.records = shared.published.load(Ordering::SeqCst);
    endured.lines = shared.lines.load(Ordering::SeqCst);
    let found = recovered(&scratch.path().join("run"))?;
    let consumed = found.source_offsets.get("input").copied().unwrap_or(0);
    if consumed != endured.records || found.state != counter.state() {
        return Err(format!("{consumed} records of {} are consumed, or their state differs", endured.records));
    }
    let shown = server.with(async |context| {
        let mut stream = context.get_stream("OUT").await.map_err(text)?;
        Ok::<_, String>(stream.info().await.map_err(text)?.state.last_sequence)
    })?;
    if shown != endured.lines {
        return Err(format!("{shown} lines came out, and {} belong to the records", endured.lines));
    }
    Ok(endured)
}

/// Publishes as fast as lines are taken, until it is over. Returns the count of the records.
fn publish(server: &Server, shared: &Shared, seed: u64, expected: SyncSender<String>) -> Counter {
    let (mut random, mut counter, mut next) = (Rng::with_seed(seed), Counter::default(), 0);
    server.with(async |context| {
        while !shared.is_over.load(Ordering::SeqCst) {
            let records = draw(&mut random, next, LOT);
            next += LOT as u64;
            let messages: Vec<String> = records.iter().map(Record::json).collect();
            server.publish_in(&context, "IN.x", &messages).await;
            shared.published.store(next, Ordering::SeqCst);
            for line in records.iter().filter_map(|record| counter.add(record)) {
                // Who compares them has found one that differs.
                if expected.send(line).is_err() {
                    return;
                }
            }
        }
    });
    // What compares them ends with the last line.
    drop(expected);
    counter
}

/// Compares each line that comes out with the one that is expected.
fn compare(server: &Server, shared: &Shared, expected: &Receiver<String>) -> Outcome {
    server.with(async |context| {
        let output = context.get_stream("OUT").await.map_err(text)?;
        let consumer = output.create_consumer(OrderedConfig::default()).await.map_err(text)?;
        let mut messages = consumer.messages().await.map_err(text)?;
        let mut lines = 0;
        for line in expected {
            let message = next(&mut messages, shared).await.map_err(|what| format!("line {lines} {what}"))?;
            let message = message.ok_or("the server ends the stream")?.map_err(text)?;
            if message.payload != line.as_bytes() {
                return Err(format!("line {lines} is {:?}, and not {line:?}", message.payload));
            }
            lines += 1;
            shared.lines.store(lines, Ordering::SeqCst);
            if lines.is_multiple_of(FORGET_EVERY) {
                let taken = shared.durable.load(Ordering::SeqCst);
                // To purge up to the first message would purge all of them.
                if taken > KEPT {
                    let input = context.get_stream("IN").await.map_err(text)?;
                    input.purge().sequence(taken - KEPT + 1).await.map_err(text)?;
                }
                output.purge().sequence(lines - KEPT).await.map_err(text)?;
            }
        }
        Ok(())
    })
}

/// Waits for the next message, for as long as the command may publish one.
async fn next(messages: &mut Ordered, shared: &Shared) -> Outcome<Option<Result<Message, OrderedError>>> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match tokio::time::timeout(LOOK_EVERY, messages.next()).await {
            Ok(message) => return Ok(message),
            Err(_) if shared.is_alone.load(Ordering::SeqCst) => return Err("did not come".to_owned()),
            Err(_) if Instant::now() > give_up => return Err(format!("did not come within {PATIENCE:?}")),
            Err(_) => {}
        }
    }
}

/// The processes, one after the other.
struct Lives<'a> {
    program: &'a Program,
    server: &'a Server,
    directory: &'a Path,
    shared: &'a Shared,
}

impl Lives<'_> {
    fn all(&self, time: Duration, period: Duration, seed: u64) -> Outcome<Endured> {
        let (end, mut random) = (Instant::now() + time, Rng::with_seed(seed));
        let mut endured = Endured::default();
        while Instant::now() < end {
            let mut life = self.start()?;
            // Not at the same moment of each minute.
            let until = Instant::now() + period.mul_f64(0.9 + random.f64() * 0.2);
            endured.memory.extend(self.watch(&mut life, || Instant::now() >= until.min(end))?);
            if !life.signal(Signal::KILL)? {
                return Err(format!("it ended by itself: {}", life.last_words()));
            }
            life.end()?;
            endured.kills += 1;
        }
        self.shared.is_over.store(true, Ordering::SeqCst);
        let mut life = self.start()?;
        endured.memory.extend(self.watch(&mut life, || self.shared.is_compared.load(Ordering::SeqCst))?);
        let all = self.shared.published.load(Ordering::SeqCst);
        let give_up = Instant::now() + PATIENCE;
        while life.durable() < all {
            if !life.listen(LOOK_EVERY) || Instant::now() > give_up {
                return Err(format!("{} of {all} records: {}", life.durable(), life.last_words()));
            }
        }
        life.signal(Signal::TERM)?;
        let ended = life.end()?;
        if ended.code == Some(0) { Ok(endured) } else { Err(format!("{:?}: {}", ended.code, ended.told)) }
    }

    fn start(&self) -> Outcome<Life> {
        let address = format!("nats://127.0.0.1:{}", self.server.port());
        let waiting = self.directory.join("waiting");
        let mut command = self.program.run(&self.directory.join("run"));
        command.arg("--input").arg(format!("{address}/IN"));
        command.arg("--output").arg(format!("{address}/OUT?subject=OUT.x&waiting={}", waiting.display()));
        command.args([
            "--checkpoint-every",
            "20000",
            "--checkpoint-interval",
            "500",
            "--time-format",
            "unix-ms",
            "--no-results",
        ]);
        Life::start(&mut command)
    }

    /// Watches a process. Returns its memory when it had settled, and the most after that.
    fn watch(&self, life: &mut Life, is_over: impl Fn() -> bool) -> Outcome<Option<(u64, u64)>> {
        let (settled, mut memory) = (Instant::now() + SETTLES, None);
        while !is_over() {
            if !life.listen(LOOK_EVERY) {
                return Err(format!("it ended by itself: {}", life.last_words()));
            }
            // A process that has just begun has told nothing yet.
            self.shared.durable.fetch_max(life.durable(), Ordering::SeqCst);
            if Instant::now() >= settled {
                let bytes = resident_bytes(life.id())?;
                let (first, most) = memory.unwrap_or((bytes, bytes));
                memory = Some((first, bytes.max(most)));
            }
        }
        Ok(memory)
    }
}

/// Returns how much memory a process has in use.
fn resident_bytes(process: u32) -> Outcome<u64> {
    let path = format!("/proc/{process}/statm");
    let statm = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.map(|pages| pages * rustix::param::page_size() as u64).ok_or_else(|| format!("{path}: {statm}"))
}
