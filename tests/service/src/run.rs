//! One run: a cell with a seed, from the first record to the last.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use alluvium_test_harness::command::{Recovered, recovered};
use fastrand::Rng;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::cells::{Cell, Change, End, Expected, Load, Row, Sink, Source, When};
use crate::inputs::Input;
use crate::life::{Ended, Life, PATIENCE};
use crate::outputs::Output;
use crate::program::Program;
use crate::records::{Record, count, draw};
use crate::servers::Servers;
use crate::shown::Shown;
use crate::{Outcome, inputs, outputs};

/// The variable that keeps what a broken run leaves.
const KEEP: &str = "ALLUVIUM_KEEP";

/// What happened in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Happened {
    /// Processes that were interrupted.
    pub ends: u64,
    /// Interruptions of the other side.
    pub changes: u64,
}

/// Why a run says nothing.
#[derive(Debug)]
pub enum Failed {
    /// A promise was broken.
    Broken(String),
    /// It was not interrupted: the process was faster.
    NotInterrupted,
}

impl From<String> for Failed {
    fn from(what: String) -> Self {
        Self::Broken(what)
    }
}

/// A run at work.
pub struct Run<'a> {
    cell: Cell,
    program: &'a Program,
    random: Rng,
    input: Box<dyn Input>,
    output: Box<dyn Output>,
    scratch: TempDir,
    /// The options that stay the same.
    options: Vec<OsString>,
    /// The records that were given, in the order in which they count.
    given: Vec<Record>,
    /// The records that are still to be given.
    waiting: VecDeque<Record>,
    /// The number of the next record.
    next: u64,
    /// How many records the checkpoint has, if there is one.
    consumed: Option<u64>,
    /// What the standard outputs of all processes showed.
    shown: Shown,
    happened: Happened,
}

/// How long the first part of the stream is, and the second.
fn lengths(cell: &Cell, random: &mut Rng) -> (usize, usize) {
    match cell.row {
        // Long enough to be interrupted before it is read.
        Row::Source(source) if !source.is_endless() => (random.usize(2_000..6_000), random.usize(100..1_000)),
        _ => (random.usize(100..1_200), random.usize(50..600)),
    }
}

/// Runs a cell with a seed. `haste` halves how long processes live.
pub fn run(cell: Cell, seed: u64, haste: u32, program: &Program, servers: &Rc<Servers>) -> Result<Happened, Failed> {
    let mut random = Rng::with_seed(seed);
    servers.calm();
    let scratch = alluvium_test_harness::scratch().map_err(|error| format!("no scratch directory: {error}"))?;
    let (source, sink) = match cell.row {
        Row::Source(source) => (source, [Sink::File, Sink::RotatedFile, Sink::Http][random.usize(..3)]),
        Row::Sink(sink) => {
            let sources = [Source::CsvFollowed, Source::JetStream, Source::ServerSentEvents, Source::UnixConnect];
            (sources[random.usize(..sources.len())], sink)
        }
    };
    let change = if matches!(cell.row, Row::Source(_)) { cell.change } else { Change::Replaced };
    let is_idle = cell.load == Load::Idle;
    let input = inputs::new(source, change, is_idle, scratch.path(), servers, &mut random)?;
    let output = outputs::new(sink, scratch.path(), servers, &mut random);
    let every = [20, 50, 100, 300][random.usize(..4)];
    let mut options = vec!["--checkpoint-every".to_owned(), every.to_string()];
    options.extend(["--checkpoint-interval".into(), random.u32(10..60).to_string()]);
    if random.bool() {
        options.extend(["--sync-interval".into(), random.u32(2..20).to_string()]);
    }
    options.extend(["--time-format", "unix-ms", "--no-results"].map(Into::into));
    let mut run = Run {
        cell,
        program,
        random,
        input,
        output,
        scratch,
        options: options.into_iter().map(Into::into).collect(),
        given: Vec::new(),
        waiting: VecDeque::new(),
        next: 0,
        consumed: None,
        shown: Shown::default(),
        happened: Happened::default(),
    };
    let outcome = run.whole(haste);
    if let (Err(Failed::Broken(_)), Some(_)) = (&outcome, std::env::var_os(KEEP)) {
        run.scratch.disable_cleanup(true);
        eprintln!("{} is kept", run.scratch.path().display());
    }
    outcome?;
    if run.happened.ends == 0 || (cell.change != Change::Nothing && run.happened.changes == 0) {
        return Err(Failed::NotInterrupted);
    }
    Ok(run.happened)
}

impl Run<'_> {
    fn whole(&mut self, haste: u32) -> Result<(), Failed> {
        let (first, second) = lengths(&self.cell, &mut self.random);
        self.draw(first);
        let changes_while_running = self.cell.change != Change::Nothing && self.cell.when == When::Running;
        self.interrupted(first, if changes_while_running { second } else { 0 }, haste)?;
        if self.cell.when == When::Between {
            match self.cell.expected {
                Expected::Exact => {
                    self.change(None)?;
                    self.draw(second);
                }
                Expected::Refused { says, then } => {
                    self.refused(second, says, then)?;
                    if then.is_none() {
                        return Ok(());
                    }
                }
            }
        }
        if self.random.bool() {
            // Interrupted once more, somewhere in the rest.
            let mut life = self.start(&[])?;
            let left = self.left();
            let moment = self.given.len() as u64 - left + self.random.u64(..=left / 2);
            self.pump(&mut life, |run, life| life.durable() >= moment.min(run.total()))?;
            self.pause();
            let was_there = life.signal(Signal::KILL)?;
            let ended = self.ended(life)?;
            if was_there && ended.code.is_none() {
                self.happened.ends += 1;
            }
            self.check(&ended, false)?;
        }
        self.drained()
    }

    fn total(&self) -> u64 {
        (self.given.len() + self.waiting.len()) as u64
    }

    /// How many records are in no checkpoint.
    fn left(&self) -> u64 {
        self.given.len() as u64 - self.consumed.unwrap_or(0)
    }

    /// Draws records to be given.
    fn draw(&mut self, count: usize) {
        self.waiting.extend(draw(&mut self.random, self.next, count));
        self.next += count as u64;
    }

    /// Gives the next records: a few, or all.
    fn give(&mut self) -> Outcome {
        let count = match self.cell.load {
            Load::Slow => self.random.usize(1..20).min(self.waiting.len()),
            Load::Idle | Load::Full => self.waiting.len(),
        };
        if count == 0 {
            return Ok(());
        }
        let records: Vec<Record> = self.waiting.drain(..count).collect();
        self.input.add(&records)?;
        self.given.extend(records);
        Ok(())
    }

    fn directory(&self) -> PathBuf {
        self.scratch.path().join("run")
    }

    fn start(&mut self, more: &[&str]) -> Outcome<Life> {
        if self.cell.load != Load::Slow {
            // They are there before it begins.
            self.give()?;
        } else if self.given.is_empty() {
            self.give()?;
        }
        self.input.will_start(self.consumed)?;
        let mut command = self.program.run(&self.directory());
        command.args(self.input.arguments(self.consumed)).args(self.output.arguments());
        command.args(&self.options).args(more);
        let mut life = Life::start(&mut command)?;
        self.input.started(&mut life)?;
        Ok(life)
    }

    /// Gives records until something is so. Returns whether the process still runs.
    fn pump(&mut self, life: &mut Life, until: impl Fn(&Self, &Life) -> bool) -> Outcome<bool> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            if !self.waiting.is_empty() {
                self.give()?;
            }
            if until(self, life) {
                return Ok(true);
            }
            // This is how slow it is.
            let pace = Duration::from_micros(self.random.u64(500..3_000));
            if !life.listen(pace) {
                return Ok(false);
            }
            if Instant::now() > give_up {
                let (durable, total) = (life.durable(), self.total());
                return Err(format!("{durable} of {total} records after {PATIENCE:?}: {}", life.last_words()));
            }
        }
    }

    /// A moment that is drawn.
    fn pause(&mut self) {
        if self.cell.load != Load::Idle {
            std::thread::sleep(Duration::from_micros(self.random.u64(..8_000)));
        }
    }

    /// The first process: it takes a part of the `first` records, something happens to the other side and `second`
    /// more come, and it is interrupted.
    fn interrupted(&mut self, first: usize, second: usize, haste: u32) -> Result<(), Failed> {
        let (cell, first, second) = (self.cell, first as u64, second as u64);
        let is_idle = cell.load == Load::Idle;
        let mut part = |of: u64| self.random.u64(..=(of / 3) >> haste).max(1);
        // How many records are durable when something happens, and when it ends.
        let change_at = if is_idle { first } else { part(first) };
        let end_at = match (is_idle, second) {
            (true, _) => first + second,
            (false, 0) => part(first),
            (false, _) => change_at + part(first),
        };
        let mut more = Vec::new();
        let stop_after = match (is_idle, second) {
            (true, _) => first + second,
            (false, 0) => part(first),
            // It must not be over before.
            (false, _) => first + part(second),
        };
        let stop_after = stop_after.to_string();
        if cell.end == End::Stopped {
            more.extend(["--stop-after", &stop_after]);
        }
        let mut life = self.start(&more)?;
        if second > 0 {
            self.pump(&mut life, |_, life| life.durable() >= change_at)?;
            self.change(Some(&mut life))?;
            self.draw(second as usize);
        }
        // Some are killed while they start. Without a checkpoint nothing says that there was another file before.
        let is_early =
            !is_idle && cell.end == End::Killed && cell.change == Change::Nothing && self.random.u8(..6) == 0;
        if is_early {
            let moment = Duration::from_micros(self.random.u64(..150_000));
            std::thread::sleep(moment);
        } else if cell.end != End::Stopped {
            self.pump(&mut life, |run, life| life.durable() >= end_at.min(run.total()))?;
            self.pause();
        }
        let was_there = match cell.end {
            End::Killed => life.signal(Signal::KILL)?,
            End::Terminated => life.signal(Signal::TERM)?,
            End::Stopped => self.pump(&mut life, |_, _| false).map(|_| true)?,
        };
        let ended = self.ended(life)?;
        let is_orderly = |word: &str| ended.code == Some(0) && ended.told.contains(word);
        let is_interrupted = was_there
            && match cell.end {
                End::Killed => ended.code.is_none(),
                End::Terminated => is_orderly("\"event\":\"terminated\""),
                End::Stopped => is_orderly("\"event\":\"stopped\""),
            };
        if !is_interrupted && !is_orderly("\"event\":\"done\"") {
            return Err(Failed::Broken(format!("it ended by itself, {:?}: {}", ended.code, ended.told)));
        }
        self.happened.ends += u64::from(is_interrupted);
        self.check(&ended, cell.end != End::Killed)?;
        if !is_interrupted || (cell.when == When::Between && self.consumed.is_none()) {
            return Err(Failed::NotInterrupted);
        }
        Ok(())
    }

    /// Something happens to the other side.
    fn change(&mut self, life: Option<&mut Life>) -> Outcome {
        match self.cell.row {
            Row::Source(_) => self.input.change(self.cell.change, life, &mut self.random),
            Row::Sink(_) => self.output.change(self.cell.change, life, &mut self.random),
        }
    }

    /// Another one is in its place. The command says so and changes nothing.
    fn refused(&mut self, second: usize, says: &[&str], then: Option<&[&str]>) -> Result<(), Failed> {
        let consumed = self.consumed.unwrap_or(0) as usize;
        self.change(None)?;
        self.happened.changes += 1;
        if let Row::Source(source) = self.cell.row {
            self.waiting.clear();
            // What was not read of the old one is not there any more.
            self.given.truncate(consumed);
            let must_be_shorter = matches!(
                source,
                Source::TcpConnect
                    | Source::TcpListen
                    | Source::UnixConnect
                    | Source::UnixListen
                    | Source::ServerSentEvents
            );
            if must_be_shorter {
                let count = self.random.usize(..consumed);
                self.draw(count);
            } else if then.is_none() {
                // The standard input may be longer than what it is to pass over.
                self.draw(consumed + second);
            } else {
                self.draw(second);
            }
            // All of it is there at once.
            self.cell.load = Load::Full;
        } else {
            self.draw(second);
        }
        let before = self.found()?;
        let life = self.start(&[])?;
        let ended = self.ended(life)?;
        let error = ended.told.lines().last().unwrap_or_default();
        if ended.code != Some(2) || !says.iter().all(|word| error.contains(word)) {
            let (code, told) = (ended.code, &ended.told);
            return Err(Failed::Broken(format!(
                "expected an error that says {says:?}; it ended with {code:?}: {told}"
            )));
        }
        if self.found()? != before {
            return Err(Failed::Broken(format!("an error has changed the state: {error}")));
        }
        if let Some(options) = then {
            let life = self.start(options)?;
            self.options.extend(options.iter().map(Into::into));
            let mut life = life;
            let all = self.total();
            self.pump(&mut life, |_, life| life.durable() >= all)?;
            life.signal(Signal::TERM)?;
            let ended = self.ended(life)?;
            self.check(&ended, true)?;
            self.options.truncate(self.options.len() - options.len());
        }
        Ok(())
    }

    /// The last process takes all that is left.
    fn drained(&mut self) -> Result<(), Failed> {
        let mut life = self.start(&[])?;
        self.pump(&mut life, |run, _| run.waiting.is_empty())?;
        let total = self.total();
        let ended = if self.input.finish()? {
            self.ended(life)?
        } else {
            self.pump(&mut life, |_, life| life.is_open() && life.durable() >= total)?;
            life.signal(Signal::TERM)?;
            self.ended(life)?
        };
        if ended.code != Some(0) {
            return Err(Failed::Broken(format!("the last process ended with {:?}: {}", ended.code, ended.told)));
        }
        self.check(&ended, true)?;
        if self.consumed.unwrap_or(0) != total {
            return Err(Failed::Broken(format!("{:?} of {total} records are consumed: {}", self.consumed, ended.told)));
        }
        self.happened.changes += match self.cell.row {
            Row::Source(_) => self.input.interruptions(),
            Row::Sink(_) => self.output.interruptions(),
        };
        Ok(())
    }

    fn ended(&mut self, life: Life) -> Outcome<Ended> {
        let ended = life.end();
        self.input.ended();
        ended
    }

    fn found(&self) -> Outcome<Recovered> {
        if self.directory().exists() { recovered(&self.directory()) } else { Ok(Recovered::default()) }
    }

    /// What is in the directory is the count of the records that it says it has, and what is shown belongs to them:
    /// all of it after an orderly end.
    fn check(&mut self, ended: &Ended, is_orderly: bool) -> Outcome {
        let found = self.found()?;
        let consumed = found.source_offsets.get("input").copied();
        let records = consumed.unwrap_or(0);
        let told = || format!("{}\nof {} records given", ended.told, self.given.len());
        if records < ended.durable || records as usize > self.given.len() {
            return Err(format!("{records} records are consumed, {} were durable: {}", ended.durable, told()));
        }
        let counted = count(&self.given[..records as usize]);
        if found.state != counted.state || found.watermark != counted.watermark {
            let text = |state: &std::collections::BTreeMap<Vec<u8>, Vec<u8>>| {
                let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| {
                    format!("{}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(value))
                };
                state.iter().map(entry).collect::<Vec<_>>().join(" ")
            };
            let (found_state, found_ms) = (text(&found.state), found.watermark);
            let (state, ms) = (text(&counted.state), counted.watermark);
            return Err(format!(
                "{records} records have the state {found_state} at {found_ms:?}, and not {state} at {ms:?}: {}",
                told()
            ));
        }
        self.consumed = consumed;
        if self.output.is_shown_at_once() {
            return self.shown.add(&ended.output, &count(&self.given).lines, counted.lines.len());
        }
        let lines = self.output.lines()?;
        let differs = lines.iter().zip(&counted.lines).position(|(found, expected)| found != expected);
        if let Some(at) = differs {
            return Err(format!("line {at} is {}, and not {}: {}", lines[at], counted.lines[at], told()));
        }
        if lines.len() > counted.lines.len() || (is_orderly && lines.len() < counted.lines.len()) {
            return Err(format!("{} lines instead of {}: {}", lines.len(), counted.lines.len(), told()));
        }
        Ok(())
    }
}
