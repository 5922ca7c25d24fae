//! Recording the system calls of a native directory, and failing one of them.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alluvium::directory::{Call, Watch};
use rustix::io::Errno;

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

impl Fail {
    /// The process is gone from `call` on.
    pub fn kill(call: usize) -> Self {
        Self { call, errno: Errno::IO.raw_os_error(), lasting: false, killed: true }
    }
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

/// Records the calls of a file system, natively as the watcher of a directory.
#[derive(Debug, Default)]
pub struct Recorder {
    notes: Mutex<Notes>,
}

impl Recorder {
    /// Lets a call fail.
    pub fn fail(&self, fail: Fail) {
        self.notes().fail = Some(fail);
    }

    /// Starts the process again. The calls that it made before stay on record.
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

    /// Counts a call that is about to be made, and fails it when its time has come. `call` is what it
    /// will be recorded as, where that is known before it is made.
    pub fn ask(&self, call: Option<&Recorded>) -> io::Result<()> {
        let mut notes = self.notes();
        let at = notes.asked;
        notes.asked += 1;
        let error = |errno| Err(io::Error::from_raw_os_error(errno));
        if notes.is_killed {
            return error(Errno::IO.raw_os_error());
        }
        let kind = call.map(std::mem::discriminant);
        if let Some(fail) = notes.fail.filter(|fail| fail.call == at) {
            notes.is_killed = fail.killed;
            if fail.lasting {
                notes.failing_kind = kind.map(|kind| (kind, fail.errno));
            }
            return error(fail.errno);
        }
        match notes.failing_kind {
            Some((failing, errno)) if Some(failing) == kind => error(errno),
            _ => Ok(()),
        }
    }

    /// Records a call that has succeeded.
    pub fn record(&self, call: Recorded) {
        let mut notes = self.notes();
        let call = notes.numbered(call);
        notes.calls.push(call);
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

    /// The same call with the temporary names in it numbered.
    fn numbered(&mut self, call: Recorded) -> Recorded {
        match call {
            Recorded::Create(path) => Recorded::Create(self.path(&path)),
            Recorded::Write(path, content) => Recorded::Write(self.path(&path), content),
            Recorded::Sync(path) => Recorded::Sync(self.path(&path)),
            Recorded::Rename(from, to) => Recorded::Rename(self.path(&from), self.path(&to)),
            Recorded::Link(from, to) => Recorded::Link(self.path(&from), self.path(&to)),
            Recorded::Unlink(path) => Recorded::Unlink(self.path(&path)),
            Recorded::MakeDirectory(_) | Recorded::RemoveDirectory(_) | Recorded::SyncDirectory(_) | Recorded::Look => {
                call
            }
        }
    }
}

impl From<Call<'_>> for Recorded {
    fn from(call: Call<'_>) -> Self {
        match call {
            Call::MakeDirectory(path) => Self::MakeDirectory(path.into()),
            Call::Create(path) => Self::Create(path.into()),
            Call::Write(path, content) => Self::Write(path.into(), content.to_vec()),
            Call::Sync(path) => Self::Sync(path.into()),
            Call::Rename(from, to) => Self::Rename(from.into(), to.into()),
            Call::Link(from, to) => Self::Link(from.into(), to.into()),
            Call::Unlink(path) => Self::Unlink(path.into()),
            Call::RemoveDirectory(path) => Self::RemoveDirectory(path.into()),
            Call::SyncDirectory(path) => Self::SyncDirectory(path.into()),
            Call::List(_) | Call::Read(_) => Self::Look,
        }
    }
}

impl Watch for Recorder {
    fn before(&self, call: Call<'_>) -> io::Result<()> {
        self.ask(Some(&call.into()))
    }

    fn done(&self, call: Call<'_>) {
        self.record(call.into());
    }
}
