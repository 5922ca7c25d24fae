//! The files that were moved aside: the one that a token adds to, and those that came after it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::FileSink;
use super::addition::Addition;
use super::names::rotated_number;
use super::output::Output;
use crate::files::{directory_of, is_number};
use crate::sink::Publication;

impl FileSink {
    /// Returns the file that a token adds to, if it was moved aside: by this sink, or by a program that rotates logs.
    pub(super) fn find_aside(&self, addition: Addition, pending: &[u8]) -> io::Result<Option<PathBuf>> {
        let Some(fingerprint) = addition.fingerprint else { return Ok(None) };
        let mut paths = self.aside()?;
        paths.reverse();
        // This sink would have given it the next number. Others may have the same content.
        let own = addition.rotated.map(|number| self.rotated_path(number + 1));
        paths.sort_by_key(|path| Some(path) != own.as_ref());
        for path in paths {
            let file = Output::at(path.clone());
            let length = file.length()?;
            // Only this sink is known to have added more before it moved the file aside.
            let is_longer = length > addition.end() && (addition.end() == 0 || own.as_ref() != Some(&path));
            if length == 0 || length < addition.offset || is_longer || file.fingerprint(addition.offset)? != fingerprint
            {
                continue;
            }
            let shown = file.read(addition.offset, addition.bytes)?;
            // Without anything before the offset, only its bytes tell it from others.
            let is_it = |bytes: &[u8]| addition.offset > 0 || bytes.starts_with(&shown);
            let is_torn = length <= addition.end() && addition.of_pending(pending).is_some_and(is_it);
            if addition.are(&shown) || is_torn {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Returns the files that were moved aside after a token was made, but for its own, `own`, if that was moved aside
    /// too. What is in them comes a second time if the stream continues from the token.
    pub(super) fn later(&self, addition: Addition, own: Option<&Path>) -> io::Result<Vec<PathBuf>> {
        let mut later = match (addition.rotated, own) {
            (Some(last), _) => {
                let rotated = self.rotated()?.into_iter();
                rotated.filter(|(number, _)| *number > last).map(|(_, path)| path).collect()
            }
            // The names that other programs give do not tell which came later.
            (None, Some(own)) => {
                let moved = own.metadata()?.modified()?;
                let mut later = Vec::new();
                for path in self.aside()? {
                    if path.metadata()?.modified()? > moved {
                        later.push(path);
                    }
                }
                later
            }
            (None, None) => Vec::new(),
        };
        later.retain(|path| Some(path.as_path()) != own);
        Ok(later)
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
            let file = entry?.file_name();
            if let Some(suffix) = file.as_bytes().strip_prefix(name.as_bytes()) {
                found.push((OsStr::from_bytes(suffix).to_owned(), path.with_file_name(&file)));
            }
        }
        Ok(found)
    }

    /// Returns the largest number that a file has which was moved aside.
    pub(super) fn last_number(&self) -> io::Result<u64> {
        Ok(self.rotated()?.last().map_or(0, |(number, _)| *number))
    }

    /// Returns the name of a file that was moved aside.
    pub(super) fn rotated_path(&self, number: u64) -> PathBuf {
        let mut name = self.output.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }

    /// Returns the files that were moved aside by their numbers, in order.
    fn rotated(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found: Vec<(u64, PathBuf)> =
            self.beside()?.into_iter().filter_map(|(suffix, path)| Some((rotated_number(&suffix)?, path))).collect();
        found.sort();
        Ok(found)
    }
}

/// Completes the file that a token adds to, which was moved aside, and cuts off what came later.
pub(super) fn complete_aside(path: PathBuf, addition: Addition, pending: &[u8]) -> io::Result<Publication> {
    let mut file = Output::at(path);
    if addition.are(&file.read(addition.offset, addition.bytes)?) {
        file.cut(addition.end())?;
        return Ok(Publication::Before);
    }
    file.end_with(addition.offset, addition.of_pending(pending).unwrap_or(&[]))?;
    Ok(Publication::Now)
}
