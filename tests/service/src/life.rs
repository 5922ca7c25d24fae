//! A process of the command, from its start to its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::Outcome;

/// How long anything may take on a machine that does other things.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A process, and what it told.
pub struct Life {
    child: Child,
    events: Receiver<String>,
    output: Option<JoinHandle<Vec<u8>>>,
    /// What it told, for people.
    told: Vec<String>,
    /// How many records its newest checkpoint has.
    durable: u64,
    /// It has opened its directory.
    is_open: bool,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none after a signal.
    pub code: Option<i32>,
    /// How many records it said were in a checkpoint.
    pub durable: u64,
    /// What it wrote to the standard output.
    pub output: Vec<u8>,
    /// What it told.
    pub told: String,
}

impl Life {
    /// Starts a process, and listens to what it tells.
    pub fn start(command: &mut Command) -> Outcome<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let (Some(errors), Some(mut shown)) = (child.stderr.take(), child.stdout.take()) else {
            return Err("the process has no pipes".into());
        };
        let (sender, events) = channel();
        std::thread::spawn(move || {
            // Who waits for it may be gone.
            BufReader::new(errors).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let output = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What came before an error came.
            let _ = shown.read_to_end(&mut bytes);
            bytes
        });
        Ok(Self { child, events, output: Some(output), told: Vec::new(), durable: 0, is_open: false })
    }

    /// Takes its standard input.
    pub fn input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// How many records its newest checkpoint has, as far as it was heard.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// Whether it has opened its directory, as far as it was heard.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Listens for so long. Returns whether it still runs, as far as can be heard.
    pub fn listen(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.hear(line),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    fn hear(&mut self, line: String) {
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        if let ("checkpoint" | "recovered", Some(records)) =
            (event["event"].as_str().unwrap_or_default(), event["records"].as_u64())
        {
            self.durable = records;
        }
        self.is_open |= matches!(event["event"].as_str(), Some("begun" | "recovered"));
        self.told.push(line);
    }

    /// Sends a signal. Returns whether the process was there to get it.
    pub fn signal(&mut self, signal: Signal) -> Outcome<bool> {
        if self.child.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Ok(false);
        }
        kill_process(Pid::from_child(&self.child), signal).map_err(|error| format!("{signal:?}: {error}"))?;
        Ok(true)
    }

    /// Waits for its end.
    pub fn end(mut self) -> Outcome<Ended> {
        drop(self.child.stdin.take());
        let give_up = Instant::now() + PATIENCE;
        while self.listen(Duration::from_millis(100)) {
            if Instant::now() > give_up {
                return Err(format!("it did not end within {PATIENCE:?}: {}", self.last_words()));
            }
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        let output = self.output.take().map(JoinHandle::join).and_then(Result::ok).unwrap_or_default();
        Ok(Ended { code: status.code(), durable: self.durable, output, told: self.told.join("\n") })
    }

    /// The last lines that it told.
    pub fn last_words(&self) -> String {
        self.told[self.told.len().saturating_sub(4)..].join("\n")
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // A process of a test that failed.
        let _ = (self.child.kill(), self.child.wait());
    }
}
