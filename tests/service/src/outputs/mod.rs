//! The outputs of runs: where lines go, what happens to it, and what is there in the end.

mod files;
mod streams;

use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;

use fastrand::Rng;

use crate::Outcome;
use crate::cells::{Change, Sink};
use crate::life::Life;
use crate::servers::Servers;

/// An output.
pub trait Output {
    /// Returns the options of the command.
    fn arguments(&self) -> Vec<OsString>;

    /// Returns the lines that are there.
    fn lines(&self) -> Outcome<Vec<String>>;

    /// Lets something happen to it.
    fn change(&mut self, change: Change, life: Option<&mut Life>, random: &mut Rng) -> Outcome;

    /// How often it was interrupted, as far as it can tell.
    fn interruptions(&self) -> u64;

    /// Whether lines are the standard output's, of which the last may come again after a crash.
    fn is_shown_at_once(&self) -> bool {
        false
    }
}

/// Returns a new output.
pub fn new(sink: Sink, directory: &Path, servers: &Rc<Servers>, random: &mut Rng) -> Box<dyn Output> {
    let waiting = directory.join("waiting");
    match sink {
        Sink::File => Box::new(files::FileOutput::new(directory, None)),
        Sink::RotatedFile => Box::new(files::FileOutput::new(directory, Some(random.u64(500..5_000)))),
        Sink::StandardOutput => Box::new(StandardOutput),
        Sink::JetStream => Box::new(streams::JetStream::new(servers, waiting)),
        Sink::Http => Box::new(streams::Http::new(servers, waiting)),
        Sink::DurableStream => Box::new(streams::DurableStream::new(servers, waiting, random.bool())),
    }
}

/// The standard output, which each process has its own of.
struct StandardOutput;

impl Output for StandardOutput {
    fn arguments(&self) -> Vec<OsString> {
        Vec::new()
    }

    fn lines(&self) -> Outcome<Vec<String>> {
        Ok(Vec::new())
    }

    fn change(&mut self, change: Change, _life: Option<&mut Life>, _random: &mut Rng) -> Outcome {
        Err(format!("the standard output knows no {change:?}"))
    }

    fn interruptions(&self) -> u64 {
        0
    }

    fn is_shown_at_once(&self) -> bool {
        true
    }
}
