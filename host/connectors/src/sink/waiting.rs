//! The records of a sink that wait until they are published.

use std::borrow::Cow;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use super::place::{LocalPlace, Superseded, WaitingPlace};
use super::token::{Token, records_in};
use super::{SinkError, SinkErrorKind as Kind};
use crate::address::{Address, AddressError};
use crate::batch::Batch;

/// The epoch of a sink whose records wait in a place, and what an epoch before it has left there.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// None if the sink was not told where records can wait.
    place: Option<Box<dyn WaitingPlace>>,
    /// The directory of this machine that it was given, if it was.
    directory: Option<PathBuf>,
    /// How many bytes the header of this epoch has, from its first record on.
    header_bytes: Option<usize>,
}

/// What a place holds. The header is what a sink knows when an epoch begins.
#[derive(Debug)]
pub(super) struct Held<H> {
    pub(super) header: H,
    pub(super) frames: Vec<u8>,
}

impl Waiting {
    /// Records wait in a directory of this machine.
    pub(super) fn in_directory(directory: PathBuf) -> Self {
        let place = Box::new(LocalPlace::new(&directory));
        Self { place: Some(place), directory: Some(directory), header_bytes: None }
    }

    /// Takes the directory that an address names. An address without one is refused unless there will be another place.
    pub(super) fn take_from(address: &mut Address, is_required: bool) -> Result<Self, AddressError> {
        match address.take("waiting")?.filter(|directory| !directory.is_empty()) {
            Some(directory) => Ok(Self::in_directory(directory.into())),
            None if is_required => Err(address.error("waiting", "it is missing")),
            None => Ok(Self::default()),
        }
    }

    /// Whether it was not told yet where records wait.
    pub(super) fn needs_place(&self) -> bool {
        self.place.is_none()
    }

    /// Lets records wait in a place, unless there is one.
    pub(super) fn wait_in(&mut self, place: Box<dyn WaitingPlace>) {
        self.place.get_or_insert(place);
    }

    /// Returns the directory of this machine in which records wait, if they do.
    pub(super) fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Returns what errors call the place.
    pub(super) fn place_name(&self) -> String {
        self.place.as_ref().map_or_else(|| "a place for what waits".to_owned(), |place| place.name())
    }

    /// Returns the error of the sink `name` whose place has failed.
    pub(super) fn failed(&self, name: &str, error: io::Error) -> SinkError {
        let what = format!("{}: {error}", self.place_name());
        let kind = if Superseded::is(&error) { Kind::Fenced } else { Kind::Io };
        SinkError::io(kind, name, error).says(what)
    }

    /// What is wrong with a place that holds nothing, although a checkpoint stands for records.
    #[cfg(any(feature = "http", feature = "kafka"))]
    pub(super) fn holds_nothing(&self) -> String {
        let name = self.place_name();
        format!(
            "{name} holds nothing: it is not the place that belongs to the checkpoint; give the option waiting as before"
        )
    }

    fn place(&mut self) -> io::Result<&mut dyn WaitingPlace> {
        match &mut self.place {
            Some(place) => Ok(&mut **place),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "the sink was given none")),
        }
    }

    /// Takes the place for the sink `name` alone.
    pub(super) fn take(&mut self, name: &str) -> Result<(), SinkError> {
        let taken = self.place().and_then(WaitingPlace::take);
        taken.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => {
                SinkError::new(Kind::Open, name, format!("{} is used by another process", self.place_name()))
            }
            _ => self.failed(name, error),
        })
    }

    /// Returns what an earlier process or epoch has kept.
    ///
    /// `read` reads the header at the beginning, and returns its length as well.
    pub(super) fn held<H>(&mut self, read: impl Fn(&[u8]) -> Option<(H, usize)>) -> io::Result<Option<Held<H>>> {
        let Some(mut bytes) = self.place()?.records()? else { return Ok(None) };
        let (header, header_bytes) = read(&bytes)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the records are not those of this sink"))?;
        Ok(Some(Held { header, frames: bytes.split_off(header_bytes) }))
    }

    /// Returns the note that was kept last.
    #[cfg(any(feature = "http", feature = "kafka"))]
    pub(super) fn note(&mut self) -> io::Result<Option<String>> {
        self.place()?.note()
    }

    /// Keeps a note in the place of the one before.
    #[cfg(any(feature = "http", feature = "kafka"))]
    pub(super) fn keep_note(&mut self, note: &impl Display) -> io::Result<()> {
        self.place()?.keep_note(&note.to_string())
    }

    /// Whether records of this epoch wait.
    pub(super) fn has_epoch(&self) -> bool {
        self.header_bytes.is_some()
    }

    /// Begins an epoch with frames that wait already.
    pub(super) fn begin(&mut self, header: &impl Display, frames: &[u8]) -> io::Result<()> {
        let header = header.to_string();
        let place = self.place()?;
        place.begin()?;
        place.append(header.as_bytes())?;
        place.append(frames)?;
        self.header_bytes = Some(header.len());
        Ok(())
    }

    /// Appends records to the epoch, which has begun.
    pub(super) fn append(&mut self, records: &Batch) -> io::Result<()> {
        let place = self.place()?;
        for record in records.records() {
            let length = u32::try_from(record.bytes().len()).map_err(io::Error::other)?;
            place.append(&length.to_le_bytes())?;
            place.append(record.bytes())?;
        }
        Ok(())
    }

    /// Keeps the epoch, and returns the token of its records. `None` if it does not have so many, and no others.
    pub(super) fn prepare(&mut self, first: u64, count: u64) -> io::Result<Option<Token>> {
        self.place()?.keep()?;
        let frames = self.frames()?;
        let is_all = records_in(&frames, count).is_some_and(|(_, bytes)| bytes == frames.len());
        Ok(is_all.then(|| Token::of(first, count, &frames)))
    }

    /// Returns the frames of the epoch in two parts: those that a token stands for, and the rest. `None` if the epoch
    /// does not begin with those of the token.
    pub(super) fn divided(&mut self, token: Token) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let mut frames = self.frames()?.into_owned();
        let bytes = token.frames_in(&frames).map(<[u8]>::len);
        Ok(bytes.map(|bytes| {
            let rest = frames.split_off(bytes);
            (frames, rest)
        }))
    }

    /// Returns the frames of the epoch, nothing if it has none.
    fn frames(&mut self) -> io::Result<Cow<'_, [u8]>> {
        let Some(header_bytes) = self.header_bytes else { return Ok(Cow::default()) };
        Ok(match self.place()?.written()? {
            Cow::Borrowed(bytes) => bytes.get(header_bytes..).unwrap_or_default().into(),
            Cow::Owned(mut bytes) => bytes.split_off(header_bytes.min(bytes.len())).into(),
        })
    }

    /// Forgets the epoch. What was kept stays until another takes its place.
    pub(super) fn end(&mut self) {
        if let Some(place) = &mut self.place {
            place.end();
        }
        self.header_bytes = None;
    }
}

/// Draws what a new stream of records is marked with.
pub(super) fn draw_id() -> io::Result<String> {
    Ok(format!("{:016x}", getrandom::u64().map_err(io::Error::other)?))
}
