//! Moving a file aside when it is long enough, and knowing it again.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::FileSink;
use super::addition::Addition;
use super::names::rotated_number;
use super::output::Output;
use crate::files::{directory_of, is_number};
use crate::sink::{Publication, SinkError};

impl FileSink {
    /// After a publication: moves the file aside if it is long enough, and begins another one.
    pub(super) fn rotate_if_due(&mut self) -> Result<(), SinkError> {
        let is_quiet = self.ends.published == self.ends.written;
        if !is_quiet || self.rotate_at_bytes.is_none_or(|bytes| self.ends.published < bytes) {
            return Ok(());
        }
        // It was moved away already, and will be told so.
        if !self.output.is_in_place().map_err(|error| self.failed(error))? {
            return Ok(());
        }
        self.move_aside().map_err(|error| self.failed(error))?;
        self.begin_another()
    }

    fn move_aside(&self) -> io::Result<()> {
        let next = self.rotated()?.last().map_or(1, |(number, _)| number + 1);
        let mut name = self.output.path.clone().into_os_string();
        name.push(format!(".{next}"));
        renameat_with(CWD, &self.output.path, CWD, &name, RenameFlags::NOREPLACE)?;
        self.output.sync_names()
    }

    /// Continues in a new file, with what was written and not published.
    pub(super) fn begin_another(&mut self) -> Result<(), SinkError> {
        self.output.release();
        let pending = self.pending.read()?;
        let shown = usize::try_from(self.ends.published - self.ends.waiting_from).unwrap_or(usize::MAX);
        self.pending.replace(pending.get(shown..).unwrap_or(&[]))?;
        let Self { ends, .. } = self;
        (ends.prepared, ends.written) = (ends.prepared - ends.published, ends.written - ends.published);
        (ends.waiting_from, ends.published) = (0, 0);
        Ok(())
    }

    /// Completes the file that a token adds to, if it was moved aside: by this sink, or by a program that rotates logs.
    pub(super) fn complete_aside(&self, addition: Addition, pending: &[u8]) -> io::Result<Option<Publication>> {
        let Some(fingerprint) = addition.fingerprint else { return Ok(None) };
        for path in self.aside()?.into_iter().rev() {
            let mut file = Output::at(path);
            let length = file.length()?;
            let may_be_it = length > 0 && (addition.offset..=addition.end()).contains(&length);
            if !may_be_it || file.fingerprint(addition.offset)? != fingerprint {
                continue;
            }
            let shown = file.read(addition.offset, addition.bytes)?;
            if addition.are(&shown) {
                return Ok(Some(Publication::Before));
            }
            // Without anything before the offset, only its bytes tell it from others.
            let is_it = |bytes: &&[u8]| addition.offset > 0 || bytes.starts_with(&shown);
            if let Some(bytes) = addition.of_pending(pending).filter(is_it) {
                file.end_with(addition.offset, bytes)?;
                return Ok(Some(Publication::Now));
            }
        }
        Ok(None)
    }

    /// Returns the files that are called like this one with a number or a date behind.
    fn aside(&self) -> io::Result<Vec<PathBuf>> {
        let mut found: Vec<PathBuf> = self
            .beside()?
            .into_iter()
            .filter(|(suffix, _)| is_number(suffix.as_bytes()))
            .map(|(_, path)| path)
            .collect();
        found.sort();
        Ok(found)
    }

    /// Returns the files whose names begin with the name of this one, by what is behind it.
    fn beside(&self) -> io::Result<Vec<(OsString, PathBuf)>> {
        let path = &self.output.path;
        let name = path.file_name().unwrap_or(OsStr::new(""));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory_of(path))? {
            let entry = entry?;
            let file = entry.file_name();
            if let Some(suffix) = file.as_bytes().strip_prefix(name.as_bytes()) {
                found.push((OsStr::from_bytes(suffix).to_owned(), entry.path()));
            }
        }
        Ok(found)
    }

    /// Returns the files that were moved aside by their numbers, in order.
    fn rotated(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found: Vec<(u64, PathBuf)> =
            self.beside()?.into_iter().filter_map(|(suffix, path)| Some((rotated_number(&suffix)?, path))).collect();
        found.sort();
        Ok(found)
    }
}
