//! Recording the system calls of a native directory, and failing one of them.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alluvium::directory::{Call, Watch};

/// A system call that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// A new directory.
    MakeDirectory(String),
    /// A new file without bytes.
    Create(String),
    /// The bytes of a new file.
    Write(String, Vec<u8>),
    /// A file's bytes are durable.
    Sync(String),
    /// A file's name changes.
    Rename(String, String),
    /// A file has another name too.
    Link(String, String),
    /// A file's name goes.
    Unlink(String),
    /// A directory goes.
    RemoveDirectory(String),
    /// A directory's names are durable.
    SyncDirectory(String),
    /// Names or bytes were read.
    Look,
}

/// A call that fails instead of being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fail {
    /// Which, counted from 0.
    pub call: usize,
    /// The error's number.
    pub errno: i32,
    /// Whether every later call of the same kind fails too.
    pub lasting: bool,
    /// Whether every later call of any kind fails: the process is gone.
    pub killed: bool,
}

#[derive(Debug, Default)]
struct Notes {
    calls: Vec<Recorded>,
    /// Calls that were asked for, made or not.
    asked: usize,
    fail: Option<Fail>,
    failing_kind: Option<(std::mem::Discriminant<Recorded>, i32)>,
    is_killed: bool,
    /// Temporary names carry the process's number; the record numbers them in order, so that the
    /// same seed gives the same states.
    temporaries: BTreeMap<String, usize>,
}

/// Watches a native directory.
#[derive(Debug, Default)]
pub struct Recorder {
    notes: Mutex<Notes>,
}

impl Recorder {
    /// Lets a call fail.
    pub fn fail(&self, fail: Fail) {
        self.notes().fail = Some(fail);
    }

    /// The process starts anew; what it asked before stays on record.
    pub fn revive(&self) {
        let mut notes = self.notes();
        (notes.fail, notes.failing_kind, notes.is_killed) = (None, None, false);
    }

    /// Whether the process is gone.
    pub fn is_killed(&self) -> bool {
        self.notes().is_killed
    }

    /// How many calls succeeded so far.
    pub fn count(&self) -> usize {
        self.notes().calls.len()
    }

    /// How many calls were asked for so far.
    pub fn asked(&self) -> usize {
        self.notes().asked
    }

    /// The calls that succeeded.
    pub fn calls(&self) -> Vec<Recorded> {
        self.notes().calls.clone()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn path(&mut self, path: &str) -> String {
        let (directory, name) = path.rsplit_once('/').map_or(("", path), |(directory, name)| (directory, name));
        if !name.starts_with(".tmp-") {
            return path.to_owned();
        }
        let next = self.temporaries.len();
        let number = *self.temporaries.entry(name.to_owned()).or_insert(next);
        if directory.is_empty() { format!(".tmp-{number}") } else { format!("{directory}/.tmp-{number}") }
    }

    fn record(&mut self, call: Call<'_>) -> Recorded {
        match call {
            Call::MakeDirectory(path) => Recorded::MakeDirectory(path.into()),
            Call::Create(path) => Recorded::Create(self.path(path)),
            Call::Write(path, content) => Recorded::Write(self.path(path), content.to_vec()),
            Call::Sync(path) => Recorded::Sync(self.path(path)),
            Call::Rename(from, to) => Recorded::Rename(self.path(from), self.path(to)),
            Call::Link(from, to) => Recorded::Link(self.path(from), self.path(to)),
            Call::Unlink(path) => Recorded::Unlink(self.path(path)),
            Call::RemoveDirectory(path) => Recorded::RemoveDirectory(path.into()),
            Call::SyncDirectory(path) => Recorded::SyncDirectory(path.into()),
            Call::List(_) | Call::Read(_) => Recorded::Look,
        }
    }
}

impl Watch for Recorder {
    fn before(&self, call: Call<'_>) -> io::Result<()> {
        let mut notes = self.notes();
        let at = notes.asked;
        notes.asked += 1;
        if notes.is_killed {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
        }
        let recorded = notes.record(call);
        let kind = std::mem::discriminant(&recorded);
        if let Some(fail) = notes.fail.filter(|fail| fail.call == at) {
            notes.is_killed = fail.killed;
            if fail.lasting {
                notes.failing_kind = Some((kind, fail.errno));
            }
            return Err(io::Error::from_raw_os_error(fail.errno));
        }
        match notes.failing_kind {
            Some((failing, errno)) if failing == kind => Err(io::Error::from_raw_os_error(errno)),
            _ => Ok(()),
        }
    }

    fn done(&self, call: Call<'_>) {
        let mut notes = self.notes();
        let recorded = notes.record(call);
        notes.calls.push(recorded);
    }
}
