//! A run that is watched while it runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use serde_json::Value;

use crate::support::{Bench, command};

/// A run whose standard input and whose events are at hand.
pub(crate) struct Running {
    pub(crate) child: Child,
    events: BufReader<ChildStderr>,
}

impl Running {
    pub(crate) fn start(bench: &Bench, input: &Path, more: &[&str]) -> Self {
        Self::of(bench.run_over(input, &[&["--json"], more].concat()))
    }

    /// Starts the command with these arguments, of which one is `--json`.
    pub(crate) fn of(arguments: impl IntoIterator<Item = String>) -> Self {
        let mut command = command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let events = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, events }
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.child.stdin.as_mut().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    }

    /// Waits for an event of this name.
    pub(crate) fn wait_for(&mut self, name: &str) -> Value {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.events.read_line(&mut line).expect("it reads") > 0, "it ended before {name:?}");
            let event: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
            if event["event"] == name {
                return event;
            }
        }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal");
    }

    /// Waits for the end. Returns the exit code, and what it told.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        drop(self.child.stdin.take());
        let mut told = String::new();
        self.events.read_to_string(&mut told).expect("it reads");
        (self.child.wait().expect("it ends").code(), told)
    }
}
