//! Syncs, and the freeing of what was deleted, that an engine component does not wait for.
//!
//! A component does one thing at a time: while one of its calls waits for the disk, its state gives no answers. A sync of
//! what a checkpoint has written takes tens of milliseconds. So an engine that writes a checkpoint in pieces is told
//! `would-block`, while a thread does it, and it asks again with its next piece. A runtime without this makes it wait, as
//! WASI has it.
//!
//! A deleted file gives its space back when its last descriptor is closed. A file system that tells the disk of free space
//! takes milliseconds for that, so the thread closes the last one.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

use alluvium::background::leave_the_core_to_wakers;
use rustix::fs::{Mode, OFlags, ResolveFlags};

/// What is made durable.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// The bytes of a file.
    Bytes,
    /// The names in a directory.
    Names,
}

impl What {
    fn sync(self, file: &File) -> io::Result<()> {
        match self {
            Self::Bytes => file.sync_data(),
            Self::Names => {
                // The descriptor itself may be one that only leads to others.
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                Ok(rustix::fs::fsync(rustix::fs::openat(file, ".", flags, Mode::empty())?)?)
            }
        }
    }
}

/// The syncs of one engine.
#[derive(Debug, Default)]
pub(crate) struct Syncs {
    /// Whether the engine asks again if it is told to.
    pub(crate) may_be_later: bool,
    thread: Option<Thread>,
    /// What the thread syncs, or has synced without being asked for the result.
    under_way: Option<Arc<File>>,
}

impl Syncs {
    /// Makes durable what a file or a directory holds. There is no result as long as that is under way, if the engine asks
    /// again.
    pub(crate) fn sync(&mut self, file: &Arc<File>, what: What) -> Option<io::Result<()>> {
        if self.under_way.as_ref().is_none_or(|other| !Arc::ptr_eq(other, file)) && !self.begin(file, what) {
            return Some(what.sync(file));
        }
        // The result comes from the thread, because the system tells of a failure once.
        let result = match &self.thread {
            Some(thread) if self.may_be_later => match thread.results.try_recv() {
                Err(TryRecvError::Empty) => return None,
                result => result.ok(),
            },
            thread => thread.as_ref().and_then(|thread| thread.results.recv().ok()),
        };
        self.under_way = None;
        // A thread that has ended without one has synced nothing.
        Some(result.unwrap_or_else(|| what.sync(file)))
    }

    /// Holds a file that is about to be deleted, if the engine may ask again. Its space is not freed before it is closed.
    pub(crate) fn hold(&self, directory: &File, path: &str) -> Option<File> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        if !self.may_be_later {
            return None;
        }
        // What cannot be held is freed when it is deleted.
        rustix::fs::openat2(directory, path, flags, Mode::empty(), resolve).ok().map(File::from)
    }

    /// Has the thread close a file that was held.
    pub(crate) fn close(&mut self, held: Option<File>) {
        if let Some(file) = held
            && let Some(thread) = self.thread()
        {
            // If the thread has ended, the file is closed here.
            let _ = thread.asked.send(Asked::Close(file));
        }
    }

    /// Returns the thread, if one can be started.
    fn thread(&mut self) -> Option<&Thread> {
        if self.thread.is_none() {
            self.thread = Thread::start().ok();
        }
        self.thread.as_ref()
    }

    /// Gives the thread something to sync, if the engine asks again, there is a thread, and it has nothing else to do.
    fn begin(&mut self, file: &Arc<File>, what: What) -> bool {
        if !self.may_be_later {
            return false;
        }
        let is_under_way = self.under_way.is_some();
        let Some(thread) = self.thread() else { return false };
        // What the engine does not ask for any more has a result that nothing else may get.
        if is_under_way && thread.results.try_recv().is_err() {
            return false;
        }
        self.under_way = thread.asked.send(Asked::Sync(Arc::clone(file), what)).is_ok().then(|| Arc::clone(file));
        self.under_way.is_some()
    }

    /// Whether something is being synced.
    pub(crate) fn are_under_way(&self) -> bool {
        self.under_way.is_some()
    }
}

/// What the thread is asked for.
#[derive(Debug)]
enum Asked {
    Sync(Arc<File>, What),
    /// The last descriptor of a deleted file.
    Close(File),
}

/// A thread that syncs. To start one for each sync would stop the stream for milliseconds.
#[derive(Debug)]
struct Thread {
    asked: Sender<Asked>,
    results: Receiver<io::Result<()>>,
}

impl Thread {
    /// It ends with the engine, after what it has begun.
    fn start() -> io::Result<Self> {
        let (asked, inbox) = channel::<Asked>();
        let (outbox, results) = channel();
        thread::Builder::new().name("syncs".to_owned()).spawn(move || {
            leave_the_core_to_wakers();
            for asked in inbox {
                match asked {
                    Asked::Sync(file, what) => drop(outbox.send(what.sync(&file))),
                    Asked::Close(file) => drop(file),
                }
            }
        })?;
        Ok(Self { asked, results })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;

    use super::*;

    fn file() -> Arc<File> {
        Arc::new(tempfile::tempfile().unwrap())
    }

    #[test]
    fn an_engine_that_asks_again_gets_the_result_once() {
        let (file, mut syncs) = (file(), Syncs { may_be_later: true, ..Syncs::default() });
        let result = loop {
            match syncs.sync(&file, What::Bytes) {
                None => thread::yield_now(),
                Some(result) => break result,
            }
        };
        result.unwrap();
        assert!(syncs.under_way.is_none());
    }

    #[test]
    fn the_names_in_a_directory_are_synced_through_any_descriptor_of_it() {
        let scratch = tempfile::tempdir().unwrap();
        for flags in [OFlags::RDONLY, OFlags::PATH] {
            let directory = rustix::fs::open(scratch.path(), flags | OFlags::DIRECTORY, Mode::empty()).unwrap();
            let directory = Arc::new(File::from(directory));
            Syncs::default().sync(&directory, What::Names).unwrap().unwrap();
        }
    }

    #[test]
    fn the_thread_closes_what_was_held_while_it_was_deleted() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = File::open(scratch.path()).unwrap();
        std::fs::write(scratch.path().join("deleted"), b"bytes").unwrap();
        assert!(Syncs::default().hold(&directory, "deleted").is_none(), "an engine that waits has it freed at once");
        let mut syncs = Syncs { may_be_later: true, ..Syncs::default() };
        let held = syncs.hold(&directory, "deleted").unwrap();
        std::fs::remove_file(scratch.path().join("deleted")).unwrap();
        assert_eq!(rustix::fs::fstat(&held).unwrap().st_nlink, 0, "it is there, without a name");
        syncs.close(Some(held));
        for path in ["..", "../x", "/", "deleted"] {
            assert!(syncs.hold(&directory, path).is_none(), "{path}");
        }
        // Here it can be seen that the descriptor is closed.
        let (mut reader, writer) = io::pipe().unwrap();
        syncs.close(Some(File::from(OwnedFd::from(writer))));
        assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    #[test]
    fn an_engine_that_does_not_ask_again_waits_for_what_was_begun_too() {
        let (first, mut syncs) = (file(), Syncs { may_be_later: true, ..Syncs::default() });
        let _ = syncs.sync(&first, What::Bytes);
        syncs.may_be_later = false;
        syncs.sync(&first, What::Bytes).unwrap().unwrap();
        assert!(!syncs.are_under_way());
        syncs.sync(&file(), What::Bytes).unwrap().unwrap();
    }

    #[test]
    fn a_file_does_not_get_the_result_of_another() {
        let mut syncs = Syncs { may_be_later: true, ..Syncs::default() };
        let _ = syncs.sync(&file(), What::Bytes);
        // What cannot be synced.
        let (end, _other) = io::pipe().unwrap();
        let end = Arc::new(File::from(OwnedFd::from(end)));
        let result = loop {
            if let Some(result) = syncs.sync(&end, What::Bytes) {
                break result;
            }
        };
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
