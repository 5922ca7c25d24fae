//! A stream of records as bytes, which is played to pipes and sockets from any record on, and grows meanwhile.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The records that there are.
#[derive(Debug, Clone, Default)]
pub struct Tape(Arc<Content>);

#[derive(Debug, Default)]
struct Content {
    /// The records, and whether there will be no more.
    records: Mutex<(Vec<Arc<[u8]>>, bool)>,
    changed: Condvar,
}

/// A writer that is told all records, one after the other.
pub struct Player {
    is_over: Arc<AtomicBool>,
    next: Arc<AtomicUsize>,
    tape: Tape,
    thread: Option<JoinHandle<()>>,
}

impl Tape {
    /// Adds records.
    pub fn add(&self, records: impl IntoIterator<Item = String>) {
        let records = records.into_iter().map(|record| Arc::from(record.into_bytes()));
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner).0.extend(records);
        self.0.changed.notify_all();
    }

    /// Says that there will be no more.
    pub fn end(&self) {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.0.changed.notify_all();
    }

    /// Lets players look whether they are over. Under the lock, because they look under it.
    fn wake(&self, is_over: &AtomicBool) {
        let records = self.0.records.lock().unwrap_or_else(PoisonError::into_inner);
        is_over.store(true, Ordering::SeqCst);
        drop(records);
        self.0.changed.notify_all();
    }

    /// Returns the records from a number on, or waits for them; nothing at the end, or if it `is_over`.
    fn next(&self, from: usize, is_over: &AtomicBool) -> Option<Vec<Arc<[u8]>>> {
        let mut records = self.0.records.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if is_over.load(Ordering::SeqCst) {
                return None;
            }
            if records.0.len() > from {
                return Some(records.0[from..].to_vec());
            }
            if records.1 {
                return None;
            }
            let waited = self.0.changed.wait_timeout(records, Duration::from_secs(1));
            records = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Begins to play from a record on, after `before`. At the end of the tape it closes the writer.
    pub fn play<W: Write + Send + 'static>(&self, before: &str, from: usize, mut to: W, close: fn(W)) -> Player {
        let (is_over, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(from)));
        let (tape, over, at, before) = (self.clone(), Arc::clone(&is_over), Arc::clone(&next), before.to_owned());
        let thread = std::thread::spawn(move || {
            if to.write_all(before.as_bytes()).is_err() {
                return;
            }
            while let Some(records) = tape.next(at.load(Ordering::SeqCst), &over) {
                for record in records {
                    // Its reader may be gone.
                    if over.load(Ordering::SeqCst) || to.write_all(&record).is_err() {
                        return;
                    }
                    at.fetch_add(1, Ordering::SeqCst);
                }
            }
            if !over.load(Ordering::SeqCst) {
                close(to);
            }
        });
        Player { is_over, next, tape: self.clone(), thread: Some(thread) }
    }
}

impl Player {
    /// Whether it still plays.
    pub fn is_on(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Stops behind a whole record, which its reader must take. Returns the number of the next one.
    pub fn stop(mut self) -> usize {
        self.tape.wake(&self.is_over);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.next.load(Ordering::SeqCst)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // It may be writing to a reader that does not read: it is left to end when that is gone.
        self.tape.wake(&self.is_over);
    }
}
