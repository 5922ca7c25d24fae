//! The standard input, and a named pipe that is followed.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use fastrand::Rng;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, openat};

use super::Input;
use crate::Outcome;
use crate::cells::Change;
use crate::life::Life;
use crate::records::{HEADER, Record};
use crate::tape::{Player, Tape};

/// A pipe, whose writer begins again after each end of the command: with the first record, or with the first one
/// that is in no checkpoint.
pub(super) struct Pipe {
    tape: Tape,
    path: Option<PathBuf>,
    skips: bool,
    from: usize,
    player: Option<Player>,
    /// Another writer, which writes nothing any more.
    held: Option<File>,
    interruptions: u64,
}

impl Pipe {
    pub(super) fn new(path: Option<PathBuf>, skips: bool) -> Outcome<Self> {
        if let Some(path) = &path {
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).map_err(|error| error.to_string())?;
        }
        Ok(Self { tape: Tape::default(), path, skips, from: 0, player: None, held: None, interruptions: 0 })
    }

    /// Opens the named pipe for writing as soon as it is read; nothing if the process ends before.
    fn open(path: &PathBuf, life: &mut Life) -> Outcome<Option<File>> {
        loop {
            match openat(CWD, path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
                Ok(file) => {
                    rustix::io::ioctl_fionbio(&file, false).map_err(|error| error.to_string())?;
                    return Ok(Some(File::from(file)));
                }
                Err(rustix::io::Errno::NXIO) if life.listen(Duration::from_millis(2)) => {}
                Err(rustix::io::Errno::NXIO) => return Ok(None),
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
    }
}

impl Input for Pipe {
    fn arguments(&self, consumed: Option<u64>) -> Vec<OsString> {
        let input = self.path.as_ref().map_or("-".into(), |path| path.clone().into());
        let mut arguments: Vec<OsString> = vec!["--input".into(), input];
        arguments.extend(self.path.as_ref().map(|_| "--follow".into()));
        if consumed.is_some() {
            arguments.extend(["--resume".into(), if self.skips { "skip" } else { "continue" }.into()]);
        }
        arguments
    }

    fn add(&mut self, records: &[Record]) -> Outcome {
        self.tape.add(records.iter().map(Record::csv));
        Ok(())
    }

    fn will_start(&mut self, consumed: Option<u64>) -> Outcome {
        self.from = if self.skips { 0 } else { consumed.unwrap_or(0) as usize };
        Ok(())
    }

    fn started(&mut self, life: &mut Life) -> Outcome {
        self.player = match &self.path {
            None => life.input().map(|input| self.tape.play(HEADER, self.from, input, drop)),
            Some(path) => Self::open(path, life)?.map(|file| self.tape.play(HEADER, self.from, file, drop)),
        };
        Ok(())
    }

    fn ended(&mut self) {
        // Nothing reads any more, so it ends.
        self.player.take().map(Player::stop);
        self.held = None;
    }

    fn change(&mut self, change: Change, life: Option<&mut Life>, _random: &mut Rng) -> Outcome {
        match (change, life, &self.path) {
            (Change::Replaced, None, _) => {
                self.tape = Tape::default();
                self.interruptions += 1;
            }
            (Change::Grown | Change::ConnectionLost, Some(life), Some(path)) => {
                let Some(player) = self.player.take() else { return Err("nothing writes".into()) };
                if change == Change::Grown {
                    self.held = Self::open(path, life)?;
                }
                let from = player.stop();
                if let Some(file) = Self::open(path, life)? {
                    self.player = Some(self.tape.play("", from, file, drop));
                    self.interruptions += 1;
                }
            }
            _ => return Err(format!("a pipe knows no {change:?}")),
        }
        Ok(())
    }

    fn interruptions(&self) -> u64 {
        self.interruptions
    }

    fn finish(&mut self) -> Outcome<bool> {
        self.tape.end();
        Ok(self.path.is_none())
    }
}
