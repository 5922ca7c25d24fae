//! Following a file that grows, is rotated, or is cut short and written from the start.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use super::open;
use super::raw::Raw;
use crate::files::{directory_of, file_id, is_number};

/// How often it is looked whether there is more.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The path of a file that is followed.
#[derive(Debug, Clone)]
pub(super) struct Followed(pub(super) PathBuf);

/// What became of the file at the path, while one is read to its end.
#[derive(Debug)]
pub(super) enum Now {
    /// Nothing new came until the deadline.
    Same,
    /// It has grown.
    Grown,
    /// It is shorter than what was read of it.
    CutShort,
    /// Another file is at its path, and something is in it.
    Rotated,
}

impl Followed {
    /// Waits until something is new about a file of which `read` bytes were read.
    pub(super) fn wait(&self, raw: &Raw, read: u64, deadline: Instant) -> io::Result<Now> {
        loop {
            let length = raw.length()?;
            if length != read {
                return Ok(if length > read { Now::Grown } else { Now::CutShort });
            }
            match fs::metadata(&self.0) {
                Ok(found) if found.len() > 0 && raw.file_id()? != file_id(&found) => return Ok(Now::Rotated),
                // Between the two steps of a rotation there is none.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Now::Same);
            }
            sleep(left.min(LOOK_EVERY));
        }
    }

    /// Returns the file that has this text up to this byte, if the one at the path was rotated: it is
    /// called like it, with something behind its name.
    pub(super) fn rotated(&self, byte: u64, fingerprint: u64) -> io::Result<Option<Raw>> {
        for (_, path) in self.family()?.into_iter().rev() {
            let raw = Raw::of_file(open(&path)?)?;
            if raw.is_file() && raw.context(byte)?.is_some_and(|context| context.fingerprint() == fingerprint) {
                return Ok(Some(raw));
            }
        }
        Ok(None)
    }

    /// Returns the file to read after the end of this one: the oldest of those that were changed after it.
    pub(super) fn next(&self, raw: &Raw) -> io::Result<Raw> {
        let family = self.family()?;
        let this = raw.file_id()?;
        let place = family.iter().position(|(_, path)| fs::metadata(path).is_ok_and(|found| file_id(&found) == this));
        let next = place.and_then(|place| family.get(place + 1)).map_or(&self.0, |(_, path)| path);
        Raw::of_file(open(next)?)
    }

    /// Returns the files that are called like it with a number or a date behind, as `name.1` or
    /// `name-20130101`, from the one that was changed first to itself.
    fn family(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let name = self.0.file_name().unwrap_or(OsStr::new(""));
        let mut rotated = Vec::new();
        for entry in fs::read_dir(directory_of(&self.0))? {
            let entry = entry?;
            let found = entry.file_name();
            if found.as_bytes().strip_prefix(name.as_bytes()).is_some_and(is_number) {
                // It may be gone in the meantime.
                if let Ok(metadata) = fs::metadata(entry.path())
                    && metadata.is_file()
                {
                    rotated.push((metadata.modified()?, entry.path()));
                }
            }
        }
        rotated.sort();
        rotated.push((SystemTime::UNIX_EPOCH, self.0.clone()));
        Ok(rotated)
    }
}
