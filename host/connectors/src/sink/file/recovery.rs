//! Completing what a token stands for, in the file that it stands for.

use std::path::{Path, PathBuf};

use super::FileSink;
use super::addition::Addition;
use super::aside::complete_aside;
use crate::sink::ends::Ends;
use crate::sink::{Publication, SinkError, SinkErrorKind as Kind};

impl FileSink {
    /// The file must be the one that a token adds to.
    fn check(&self, addition: Addition) -> Result<(), SinkError> {
        let found = self.output.fingerprint(addition.offset).map_err(|error| self.failed(error))?;
        if addition.fingerprint.is_none_or(|print| print == found) { Ok(()) } else { Err(self.replaced()) }
    }

    /// Files that came after the token of `addition` must not stay: what is in them would come a second time.
    fn check_later(&self, addition: Addition, own: Option<&Path>) -> Result<(), SinkError> {
        let later = self.later(addition, own).map_err(|error| self.failed(error))?;
        if later.is_empty() {
            return Ok(());
        }
        let what = format!("files came after the checkpoint, and what is in them is written again: {}", names(&later));
        Err(self.error(Kind::Ahead, what))
    }

    fn replaced(&self) -> SinkError {
        self.error(Kind::Replaced, "is another file than the one that the checkpoint stands for")
    }

    /// Begins a new file if the one that a token adds to was moved aside, or if that was asked for after it was
    /// lost. What is in its place is another's, and stays, as do files that were moved aside after the token.
    pub(super) fn begin_again(&mut self, addition: Addition, lost: SinkError) -> Result<Publication, SinkError> {
        self.output.release();
        let name = self.name.clone();
        let failed = |error| SinkError::io(Kind::Io, &name, error);
        let is_gone = matches!(lost.kind(), Kind::Missing | Kind::Replaced | Kind::Ahead);
        if !is_gone {
            return Err(lost);
        }
        let pending = self.pending.read()?;
        let aside = self.find_aside(addition, &pending).map_err(failed)?;
        let length = self.output.length().map_err(failed)?;
        if let Some(path) = aside {
            self.check_later(addition, Some(&path))?;
            if length > 0 {
                let what = format!(
                    "{} has what the checkpoint stands for, and the {length} bytes here came after it, or are another \
                     program's: move them away, because those of this stream come a second time",
                    path.display()
                );
                return Err(self.error(Kind::Missing, what));
            }
            self.ends = Ends::default();
            return complete_aside(path, addition, &pending).map_err(failed);
        }
        if length > 0 || !self.starts_over || lost.kind() == Kind::Ahead {
            return Err(lost);
        }
        self.check_later(addition, None)?;
        // What still waits goes into the new one.
        let bytes = addition.of_pending(&pending).unwrap_or(&[]);
        self.output.end_with(0, bytes).map_err(failed)?;
        self.ends = Ends::all_at(bytes.len() as u64);
        Ok(if bytes.is_empty() { Publication::Before } else { Publication::Now })
    }

    /// Completes what a token stands for, and cuts off what came later.
    pub(super) fn complete(&mut self, addition: Addition) -> Result<Publication, SinkError> {
        let name = self.name.clone();
        let failed = |error| SinkError::io(Kind::Io, &name, error);
        self.output.hold().map_err(failed)?;
        let length = self.output.length().map_err(failed)?;
        let pending = self.pending.read()?;
        // While bytes wait, a power failure may have left the file as long as it must be and full of anything.
        if let Some(bytes) = addition.of_pending(&pending).filter(|bytes| !bytes.is_empty()) {
            if length < addition.offset {
                return Err(self.missing(addition, length));
            }
            self.check(addition)?;
            self.check_later(addition, None)?;
            let was_there = self.output.read(addition.offset, addition.bytes).map_err(failed)? == bytes;
            self.output.end_with(addition.offset, bytes).map_err(failed)?;
            return Ok(if was_there { Publication::Before } else { Publication::Now });
        }
        if length < addition.end() {
            return Err(self.missing(addition, length));
        }
        self.check(addition)?;
        if !addition.are(&self.output.read(addition.offset, addition.bytes).map_err(failed)?) {
            return Err(self.replaced());
        }
        self.check_later(addition, None)?;
        self.output.cut(addition.end()).map_err(failed)?;
        Ok(Publication::Before)
    }
}

/// Names files in a sentence.
fn names(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}
