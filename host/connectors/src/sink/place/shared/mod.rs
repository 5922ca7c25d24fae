//! A place in a directory that all processes of a job see.
//!
//! There is no lock: a process that stands still would hold it. Processes are told apart by the generation of the job
//! that they belong to. A process that takes the place first creates a file that says so, and lists what there is.
//! After that, each process of an earlier generation finds that file when it lists what it has created, and gives up.
//! So what a note of an earlier process says, and the list does not have, was not sent.
//!
//! A process that gives up leaves its file. The later one may have it in its list, and act on what it says. Otherwise it
//! is passed over, or found by the next generation if the later one has kept nothing. What it says is true then, too.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryErrorKind, Entry, EntryKind, NewFile, block_on};

use super::{Superseded, WaitingPlace};

/// A directory that all processes of a job see, which the process of the newest generation has.
///
/// Files are never replaced. A file has the generation and a number in its name, and those before it are deleted. The
/// records of an epoch are in memory until they are kept.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_connectors::sink::{SharedPlace, Superseded, WaitingPlace};
/// use alluvium_core::directory::MemoryDirectory;
///
/// let directory = Arc::new(MemoryDirectory::new());
/// let mut old = SharedPlace::new(directory.clone(), "outputs/late", 1);
/// old.take()?;
/// old.keep_note("so far")?;
/// let mut new = SharedPlace::new(directory, "outputs/late", 2);
/// new.take()?;
/// assert_eq!(new.note()?.as_deref(), Some("so far"));
/// assert!(Superseded::is(&old.keep_note("further").unwrap_err()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct SharedPlace<D> {
    directory: Arc<D>,
    name: String,
    generation: u64,
    /// The number of the next file.
    number: u64,
    /// What there was when it was taken, and what it has created since.
    known: Option<BTreeSet<Name>>,
    /// What creations had left half done when it was taken.
    half_done: BTreeSet<String>,
    epoch: Option<Epoch>,
}

#[derive(Debug, Default)]
struct Epoch {
    bytes: Vec<u8>,
    kept: usize,
}

/// The name of a file: later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    generation: u64,
    number: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Says that the generation has taken the place.
    Begun,
    Note,
    Records,
}

const KINDS: [(Kind, &str); 3] = [(Kind::Begun, "begun"), (Kind::Note, "note"), (Kind::Records, "records")];

impl Name {
    /// Reads a name. Files with other names are not ours.
    fn read(path: &str) -> Option<Self> {
        let mut parts = path.splitn(3, '-');
        let (generation, number) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let kind = parts.next()?;
        let (kind, _) = KINDS.into_iter().find(|(_, name)| *name == kind)?;
        let name = Self { generation, number, kind };
        (name.to_string() == path).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = KINDS.into_iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, name)| name);
        write!(f, "{:020}-{:020}-{kind}", self.generation, self.number)
    }
}

impl<D: Directory> SharedPlace<D> {
    /// Returns the place in a directory that has nothing else in it, for a process of this generation. Errors call it
    /// by this name. Nothing is read or created yet.
    ///
    /// No other process may have the same generation. A later process must have a greater one.
    pub fn new(directory: Arc<D>, name: impl Into<String>, generation: u64) -> Self {
        Self {
            directory,
            name: name.into(),
            generation,
            number: 0,
            known: None,
            half_done: BTreeSet::new(),
            epoch: None,
        }
    }

    /// Fails if a process of a later generation has taken the place. Returns the names of what there is.
    fn check(&self, listing: &[Entry]) -> io::Result<BTreeSet<Name>> {
        let there: BTreeSet<Name> = listing.iter().filter_map(|entry| Name::read(&entry.path)).collect();
        let is_superseded = there.iter().any(|name| name.generation > self.generation);
        if is_superseded { Err(io::Error::other(Superseded)) } else { Ok(there) }
    }

    /// Creates a file, and deletes those of its kind before it. Returns what there is.
    fn create(&mut self, kind: Kind, content: Vec<u8>) -> io::Result<Vec<Entry>> {
        let name = Name { generation: self.generation, number: self.number, kind };
        self.number += 1;
        let batch = vec![NewFile { path: name.to_string(), content }];
        let listing = block_on(self.directory.create_and_list(batch)).map_err(io::Error::other)?;
        let there = self.check(&listing)?;
        let mut old: Vec<String> =
            there.iter().filter(|other| other.kind == kind && **other < name).map(Name::to_string).collect();
        // What was half done when the place was taken, and is still, belongs to a process that has ended.
        old.extend(listing.iter().filter(|entry| self.half_done.contains(&entry.path)).map(|entry| entry.path.clone()));
        // What is not deleted now is deleted with the next file.
        if !old.is_empty() {
            let _ = block_on(self.directory.delete(&old));
        }
        if let Some(known) = &mut self.known {
            known.insert(name);
        }
        Ok(listing)
    }

    /// Returns the newest file of a kind.
    fn newest(&self, kind: Kind) -> io::Result<Option<Vec<u8>>> {
        let known = self.known.iter().flatten().filter(|name| name.kind == kind);
        let Some(name) = known.max() else { return Ok(None) };
        match block_on(self.directory.read(&name.to_string())) {
            // Only a later process deletes it.
            Err(error) if error.kind() == DirectoryErrorKind::NotFound => Err(io::Error::other(Superseded)),
            read => read.map(Some).map_err(io::Error::other),
        }
    }
}

impl<D> fmt::Debug for SharedPlace<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPlace")
            .field("name", &self.name)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl<D: Directory + Send + Sync> WaitingPlace for SharedPlace<D> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn take(&mut self) -> io::Result<()> {
        if self.known.is_some() {
            let listing = block_on(self.directory.list()).map_err(io::Error::other)?;
            return self.check(&listing).map(drop);
        }
        let listing = self.create(Kind::Begun, Vec::new())?;
        let is_half_done = |entry: &&Entry| entry.kind == EntryKind::Temporary;
        self.half_done = listing.iter().filter(is_half_done).map(|entry| entry.path.clone()).collect();
        self.known = Some(listing.iter().filter_map(|entry| Name::read(&entry.path)).collect());
        Ok(())
    }

    fn records(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.newest(Kind::Records)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.epoch = Some(Epoch::default());
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(epoch) = &mut self.epoch else { return Err(io::ErrorKind::NotFound.into()) };
        epoch.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn written(&mut self) -> io::Result<Cow<'_, [u8]>> {
        Ok(Cow::Borrowed(self.epoch.as_ref().map(|epoch| &*epoch.bytes).unwrap_or_default()))
    }

    fn keep(&mut self) -> io::Result<()> {
        let Some(Epoch { bytes, .. }) = self.epoch.as_ref().filter(|epoch| epoch.kept < epoch.bytes.len()) else {
            return Ok(());
        };
        self.create(Kind::Records, bytes.clone())?;
        if let Some(epoch) = &mut self.epoch {
            epoch.kept = epoch.bytes.len();
        }
        Ok(())
    }

    fn end(&mut self) {
        self.epoch = None;
    }

    fn note(&mut self) -> io::Result<Option<String>> {
        let note = self.newest(Kind::Note)?;
        note.map(|note| String::from_utf8(note).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)))
            .transpose()
    }

    fn keep_note(&mut self, note: &str) -> io::Result<()> {
        self.create(Kind::Note, note.as_bytes().to_vec()).map(drop)
    }
}

#[cfg(test)]
mod tests;
