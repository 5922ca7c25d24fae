//! A sink that appends lines to a file.

mod addition;
mod aside;
mod names;
mod output;
mod pending;
mod recovery;
mod rotation;

use std::io;
use std::path::{Path, PathBuf};

use addition::Addition;
use output::Output;
use pending::Pending;

use super::ends::{Ends, Stage};
use super::{Guarantee, Publication, Sink, SinkError, SinkErrorKind as Kind};
use crate::batch::Batch;
use crate::context::Context;
use crate::files;
use crate::opaque::{self, Opaque, Shown};

/// A sink that appends each record to a file, as a line. What is not published waits in a file beside it,
/// `FILE.pending`. Both are created when there is something to write. A link is followed. If the file is moved
/// away, it is written to until [`reopen`](Sink::reopen) is called.
///
/// A file in which something is, and which is not the one that the recovered checkpoint stands for, is
/// refused as [`Replaced`](Kind::Replaced), because it is another's. [`overwrite`](Self::overwrite) and
/// [`start_over`](Self::start_over) say what else to do.
#[derive(Debug)]
pub struct FileSink {
    name: String,
    overwrites: bool,
    starts_over: bool,
    rotate_at_bytes: Option<u64>,
    output: Output,
    pending: Pending,
    stage: Stage,
    ends: Ends,
}

impl FileSink {
    /// Returns the sink over a file, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, SinkError> {
        let given = path.into();
        let name = given.display().to_string();
        // What a link leads to may be missing. Then it is created.
        let path = files::resolve_link(&given);
        let Some(pending) = Pending::beside(&path) else {
            return Err(SinkError::new(Kind::Open, name, "names no file"));
        };
        let (stage, ends) = (Stage::Unknown, Ends::default());
        Ok(Self {
            name,
            overwrites: false,
            starts_over: false,
            rotate_at_bytes: None,
            output: Output::at(path),
            pending,
            stage,
            ends,
        })
    }

    /// If nothing is recovered, the first write empties the file, whatever was in it.
    #[must_use]
    pub fn overwrite(self, overwrites: bool) -> Self {
        Self { overwrites, ..self }
    }

    /// If the file is not the one that the recovered checkpoint stands for, because it was moved or lost, a
    /// new one begins. It must not exist, or be empty.
    #[must_use]
    pub fn start_over(self, starts_over: bool) -> Self {
        Self { starts_over, ..self }
    }

    /// What is not published waits in `FILE.pending.NAME`. With a name of its own, a writer does not disturb another
    /// one that was overtaken and continues later, and recovery completes what any of them prepared.
    #[must_use]
    pub fn writer(self, name: &str) -> Self {
        Self { pending: self.pending.named(name), ..self }
    }

    /// When this many bytes or more were published, the file gets a number behind its name, as `FILE.1`, and
    /// the next records go into a new one. It happens between two checkpoints' records.
    #[must_use]
    pub fn rotate_at_bytes(self, bytes: u64) -> Self {
        Self { rotate_at_bytes: Some(bytes.max(1)), ..self }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.output.path
    }

    fn error(&self, kind: Kind, what: impl Into<String>) -> SinkError {
        SinkError::new(kind, &self.name, what)
    }

    fn failed(&self, error: io::Error) -> SinkError {
        SinkError::io(Kind::Io, &self.name, error)
    }

    fn read(&self, token: &Opaque) -> Result<Addition, SinkError> {
        Addition::read(token)
            .ok_or_else(|| self.error(Kind::Token, format!("{} is no token of a file sink", Shown(token))))
    }

    fn missing(&self, addition: Addition, length: u64) -> SinkError {
        let what = format!(
            "{} of the {} bytes that the checkpoint stands for are missing, and {} does not hold them: the file was \
             changed by another program",
            addition.end() - length.min(addition.end()),
            addition.end(),
            self.pending.path().display()
        );
        self.error(Kind::Missing, what)
    }

    /// Runs a step. After an error it is not known what the step has done, and recovery finds it out.
    fn step<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, SinkError>) -> Result<T, SinkError> {
        if self.stage == Stage::Unknown {
            return Err(self.error(Kind::Unsupported, "it must be recovered first"));
        }
        step(self).inspect_err(|_| self.stage = Stage::Unknown)
    }

    /// Before the first write of a new stream: nothing of another one may stay.
    fn begin(&mut self) -> Result<(), SinkError> {
        self.pending.replace(&[])?;
        if self.overwrites {
            self.output.cut(0).map_err(|error| self.failed(error))?;
        } else if self.output.length().map_err(|error| self.failed(error))? > 0 {
            // It was empty when this writer recovered. A later writer's output must not go.
            return Err(self.error(Kind::Replaced, "another writer has written to it since this one began"));
        }
        self.stage = Stage::Open;
        Ok(())
    }

    fn publish_addition(&mut self, addition: Addition) -> Result<(), SinkError> {
        let Ends { waiting_from, published, prepared, .. } = self.ends;
        let pending = self.pending.read()?;
        if addition.offset != waiting_from || addition.end() > prepared {
            return Err(
                self.error(Kind::Token, format!("{} is none of the tokens that it made", Shown(&addition.token())))
            );
        }
        let length = self.output.length().map_err(|error| self.failed(error))?;
        let bytes = addition.of_pending(&pending).filter(|_| length >= published);
        let bytes = bytes.ok_or_else(|| self.missing(addition, length))?;
        let new = usize::try_from(published - waiting_from).ok().and_then(|old| bytes.get(old..)).unwrap_or(&[]);
        self.output.add_at(published, new).map_err(|error| self.failed(error))?;
        self.ends.published = addition.end();
        if self.ends.published == prepared {
            // No token names these bytes any more.
            self.pending.replace(&pending[bytes.len()..])?;
            self.ends.waiting_from = prepared;
        }
        self.rotate_if_due()
    }
}

impl Sink for FileSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        let [token] = committed else {
            if !committed.is_empty() {
                return Err(self.error(Kind::Unsupported, "a file has one writer, and there are several tokens"));
            }
            let length = self.output.length().map_err(|error| self.failed(error))?;
            if length > 0 && !self.overwrites {
                let what = format!("is there already, with {length} bytes that this stream did not write");
                return Err(self.error(Kind::Replaced, what));
            }
            self.pending.remove_others()?;
            (self.stage, self.ends) = (Stage::Untouched, Ends::default());
            return Ok(Vec::new());
        };
        if opaque::is_empty(token) {
            return self.recover(&[]).map(|_| vec![Publication::Before]);
        }
        let addition = self.read(token)?;
        self.stage = Stage::Unknown;
        self.output.release();
        self.pending.adopt(|bytes| addition.of_pending(bytes).is_some_and(|bytes| !bytes.is_empty()))?;
        let publication = match self.complete(addition) {
            Ok(publication) => {
                self.ends = Ends::all_at(addition.end());
                publication
            }
            Err(error) => self.begin_again(addition, error)?,
        };
        self.pending.clear()?;
        self.pending.remove_others()?;
        self.stage = Stage::Open;
        Ok(vec![publication])
    }

    fn write(&mut self, records: &Batch) -> Result<(), SinkError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for record in records.records() {
            lines.extend_from_slice(record.bytes());
            lines.push(b'\n');
        }
        self.step(|sink| {
            if sink.stage == Stage::Untouched {
                sink.begin()?;
            }
            sink.pending.append(&lines)?;
            sink.ends.written += lines.len() as u64;
            Ok(())
        })
    }

    fn prepare(&mut self) -> Result<Opaque, SinkError> {
        self.step(|sink| {
            let rotated = sink.rotate_at_bytes.map(|_| sink.last_number()).transpose();
            let rotated = rotated.map_err(|error| sink.failed(error))?;
            if sink.stage == Stage::Untouched {
                // The files that are moved aside later came after this token, too.
                let nothing = Addition::of(0, &[], Context::default().fingerprint());
                return Ok(rotated.map_or_else(Opaque::default, |_| nothing.rotated(rotated).token()));
            }
            sink.pending.sync()?;
            sink.output.sync_names().map_err(|error| sink.failed(error))?;
            let from = sink.ends.waiting_from;
            let fingerprint = sink.output.fingerprint(from).map_err(|error| sink.failed(error))?;
            let addition = Addition::of(from, &sink.pending.read()?, fingerprint).rotated(rotated);
            if addition.end() != sink.ends.written {
                return Err(sink.missing(addition, sink.ends.published));
            }
            sink.ends.prepared = addition.end();
            Ok(addition.token())
        })
    }

    fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError> {
        if opaque::is_empty(committed) {
            return Ok(());
        }
        let addition = self.read(committed)?;
        self.step(|sink| if addition.end() > sink.ends.published { sink.publish_addition(addition) } else { Ok(()) })
    }

    fn abort(&mut self) -> Result<(), SinkError> {
        self.step(|sink| {
            if sink.stage == Stage::Open {
                sink.pending.clear()?;
                sink.ends = Ends::all_at(sink.ends.published);
            }
            Ok(())
        })
    }

    fn reopen(&mut self) -> Result<(), SinkError> {
        self.step(|sink| {
            let is_in_place = sink.output.is_in_place().map_err(|error| sink.failed(error))?;
            if sink.stage != Stage::Open || sink.ends.published == 0 || is_in_place {
                return Ok(());
            }
            // Another file, or none, is in its place. It is begun when there is something to publish.
            sink.output.release();
            if sink.output.length().map_err(|error| sink.failed(error))? > 0 {
                let what = "was moved away, and a file with content is in its place: move that one away as well";
                return Err(sink.error(Kind::Replaced, what));
            }
            sink.begin_another()
        })
    }

    fn published_bytes(&self) -> Option<u64> {
        Some(self.ends.published)
    }
}

#[cfg(test)]
mod tests;
