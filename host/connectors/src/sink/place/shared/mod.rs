//! A place in a directory that all processes of a job see.
//!
//! There is no lock: a process that stands still would hold it. Processes are told apart by the generation of the job
//! that they belong to. A process that takes the place first creates a file that says so, and lists what there is.
//! After that, each process of an earlier generation finds that file when it lists what it has created, and gives up
//! before it sends anything. So what the list does not have was not sent.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::sync::Arc;

use alluvium_core::directory::{Directory, NewFile, block_on};

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
        Self { directory, name: name.into(), generation, number: 0, known: None, epoch: None }
    }

    /// Creates a file, and deletes those of its kind before it. Returns what there is.
    fn create(&mut self, kind: Kind, content: Vec<u8>) -> io::Result<BTreeSet<Name>> {
        let name = Name { generation: self.generation, number: self.number, kind };
        self.number += 1;
        let path = name.to_string();
        let listing = block_on(self.directory.create_and_list(vec![NewFile { path: path.clone(), content }]));
        let listing = listing.map_err(io::Error::other)?;
        let mut there: BTreeSet<Name> = listing.iter().filter_map(|entry| Name::read(&entry.path)).collect();
        if there.iter().any(|other| other.generation > self.generation) {
            // The later process has not seen this file, and need not.
            let _ = block_on(self.directory.delete(&[path]));
            return Err(io::Error::other(Superseded));
        }
        let is_old = |other: &Name| other.kind == kind && *other < name;
        let old: Vec<String> = there.iter().filter(|other| is_old(other)).map(Name::to_string).collect();
        // What is not deleted now is deleted with the next file.
        if !old.is_empty() && block_on(self.directory.delete(&old)).is_ok() {
            there.retain(|other| !is_old(other));
        }
        if let Some(known) = &mut self.known {
            known.insert(name);
        }
        Ok(there)
    }

    /// Returns the newest file of a kind.
    fn newest(&self, kind: Kind) -> io::Result<Option<Vec<u8>>> {
        let known = self.known.iter().flatten().filter(|name| name.kind == kind);
        let Some(name) = known.min_by_key(|name| Reverse(**name)) else { return Ok(None) };
        block_on(self.directory.read(&name.to_string())).map(Some).map_err(io::Error::other)
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
        if self.known.is_none() {
            self.known = Some(self.create(Kind::Begun, Vec::new())?);
        }
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

    fn written(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.epoch.as_ref().map(|epoch| epoch.bytes.clone()).unwrap_or_default())
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
