//! Files, with and without rotation.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::Signal;

use super::Output;
use crate::Outcome;
use crate::cells::Change;
use crate::life::{Life, PATIENCE};

/// A file of lines.
pub(super) struct FileOutput {
    path: PathBuf,
    rotate_at: Option<u64>,
    /// It was moved away, when so many parts were rotated.
    moved_after: Option<usize>,
    interruptions: u64,
}

impl FileOutput {
    pub(super) fn new(directory: &Path, rotate_at: Option<u64>) -> Self {
        Self { path: directory.join("out.ndjson"), rotate_at, moved_after: None, interruptions: 0 }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.path.with_file_name(format!("out.ndjson.{suffix}"))
    }

    /// Returns the parts that were rotated, in order.
    fn rotated(&self) -> Vec<PathBuf> {
        (1..10_000).map(|number| self.beside(&number.to_string())).take_while(|path| path.exists()).collect()
    }

    /// Moves it away, as soon as it is there.
    fn move_away(&mut self, life: Option<&mut Life>) -> Outcome {
        let failed = |error: io::Error| format!("{}: {error}", self.path.display());
        let Some(life) = life else {
            fs::rename(&self.path, self.beside("moved")).map_err(failed)?;
            self.moved_after = Some(self.rotated().len());
            return Ok(());
        };
        let give_up = Instant::now() + PATIENCE;
        loop {
            // As programs do that rotate logs: a process that is killed before it is told knows the file by its number.
            let next = self.beside(&(self.rotated().len() + 1).to_string());
            match renameat_with(CWD, &self.path, CWD, &next, RenameFlags::NOREPLACE).map_err(io::Error::from) {
                Ok(()) => break,
                // The sink has just rotated it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // All that there is may have been rotated.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !self.rotated().is_empty() => {
                    return life.signal(Signal::HUP).map(drop);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && Instant::now() < give_up => {
                    if !life.listen(Duration::from_millis(1)) {
                        return Err(format!("it ended before it had output: {}", life.last_words()));
                    }
                }
                Err(error) => return Err(failed(error)),
            }
        }
        life.signal(Signal::HUP).map(drop)
    }

    fn apply(&self, change: Change) -> io::Result<()> {
        match change {
            Change::Replaced => {
                // As long as what was there.
                let length = fs::metadata(&self.path)?.len() as usize;
                fs::remove_file(&self.path)?;
                fs::write(&self.path, vec![b'x'; length])
            }
            Change::CopiedAndCut => {
                fs::copy(&self.path, self.beside("copy"))?;
                File::options().write(true).open(&self.path)?.set_len(0)
            }
            _ => File::options().append(true).open(&self.path)?.write_all(b"another line\n"),
        }
    }
}

impl Output for FileOutput {
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec!["--output".into(), self.path.clone().into()];
        if let Some(bytes) = self.rotate_at {
            arguments.extend(["--rotate-output".into(), bytes.to_string().into()]);
        }
        arguments
    }

    fn lines(&self) -> Outcome<Vec<String>> {
        let mut parts = self.rotated();
        if let Some(after) = self.moved_after {
            parts.insert(after, self.beside("moved"));
        }
        parts.push(self.path.clone());
        let mut lines = Vec::new();
        for part in parts {
            let text = match fs::read_to_string(&part) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{}: {error}", part.display())),
            };
            if !text.is_empty() && !text.ends_with('\n') {
                return Err(format!("{} ends within a line", part.display()));
            }
            lines.extend(text.lines().map(str::to_owned));
        }
        Ok(lines)
    }

    fn change(&mut self, change: Change, life: Option<&mut Life>, _random: &mut Rng) -> Outcome {
        match change {
            Change::Renamed => self.move_away(life)?,
            _ => self.apply(change).map_err(|error| format!("{}: {error}", self.path.display()))?,
        }
        self.interruptions += 1;
        Ok(())
    }

    fn interruptions(&self) -> u64 {
        self.interruptions
    }
}
