//! A sink that appends lines to a file.

mod addition;
mod output;
mod pending;

use std::io;
use std::path::{Path, PathBuf};

use addition::Addition;
use output::Output;
use pending::Pending;

use super::{Guarantee, Publication, Sink, SinkError, SinkErrorKind as Kind};
use crate::batch::Batch;
use crate::opaque::{self, Opaque, Shown};

/// A sink that appends each record to a file, as a line. What is not published waits in a file beside it,
/// `FILE.pending`. Both are created when there is something to write. If nothing was recovered, the first
/// write empties the file.
#[derive(Debug)]
pub struct FileSink {
    name: String,
    output: Output,
    pending: Pending,
    stage: Stage,
    ends: Ends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Recovery comes next: at the beginning, and after an error.
    Unknown,
    /// There was nothing to recover, and nothing was written.
    Untouched,
    Open,
}

/// Offsets in the file, in this order.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    /// Where the first byte of the pending file belongs. It may be published already.
    pending_from: u64,
    /// The end of what is published.
    published: u64,
    /// The end of what a token stands for.
    prepared: u64,
    /// The end of what was written.
    written: u64,
}

impl Ends {
    fn all_at(end: u64) -> Self {
        Self { pending_from: end, published: end, prepared: end, written: end }
    }
}

impl FileSink {
    /// Returns the sink over a file, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, SinkError> {
        let path = path.into();
        let name = path.display().to_string();
        let Some(pending) = Pending::beside(&path) else {
            return Err(SinkError::new(Kind::Open, name, "names no file"));
        };
        Ok(Self { name, output: Output { path }, pending, stage: Stage::Unknown, ends: Ends::default() })
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
        self.output.cut(0).map_err(|error| self.failed(error))?;
        self.stage = Stage::Open;
        Ok(())
    }

    fn publish_addition(&mut self, addition: Addition) -> Result<(), SinkError> {
        let Ends { pending_from, published, prepared, .. } = self.ends;
        let pending = self.pending.read()?;
        if addition.offset != pending_from || addition.end() > prepared {
            return Err(
                self.error(Kind::Token, format!("{} is none of the tokens that it made", Shown(&addition.token())))
            );
        }
        let length = self.output.length().map_err(|error| self.failed(error))?;
        let bytes = addition.of_pending(&pending).filter(|_| length >= published);
        let bytes = bytes.ok_or_else(|| self.missing(addition, length))?;
        let new = usize::try_from(published - pending_from).ok().and_then(|old| bytes.get(old..)).unwrap_or(&[]);
        self.output.end_with(published, new).map_err(|error| self.failed(error))?;
        self.ends.published = addition.end();
        if self.ends.published == prepared {
            // No token names these bytes any more.
            self.pending.replace(&pending[bytes.len()..])?;
            self.ends.pending_from = prepared;
        }
        Ok(())
    }

    /// Completes what a token stands for, and cuts off what came later.
    fn complete(&self, addition: Addition) -> Result<Publication, SinkError> {
        let failed = |error| self.failed(error);
        let length = self.output.length().map_err(failed)?;
        let pending = self.pending.read()?;
        // While bytes wait, a power failure may have left the file as long as it must be and full of anything.
        if let Some(bytes) = addition.of_pending(&pending).filter(|bytes| !bytes.is_empty()) {
            if length < addition.offset {
                return Err(self.missing(addition, length));
            }
            let was_there = self.output.has(addition.offset, bytes).map_err(failed)?;
            self.output.end_with(addition.offset, bytes).map_err(failed)?;
            return Ok(if was_there { Publication::Before } else { Publication::Now });
        }
        if length < addition.end() {
            return Err(self.missing(addition, length));
        }
        self.output.cut(addition.end()).map_err(failed)?;
        Ok(Publication::Before)
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
            (self.stage, self.ends) = (Stage::Untouched, Ends::default());
            return Ok(Vec::new());
        };
        if opaque::is_empty(token) {
            return self.recover(&[]).map(|_| vec![Publication::Before]);
        }
        let addition = self.read(token)?;
        self.stage = Stage::Unknown;
        let publication = self.complete(addition)?;
        self.pending.clear()?;
        (self.stage, self.ends) = (Stage::Open, Ends::all_at(addition.end()));
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
            if sink.stage == Stage::Untouched {
                return Ok(Opaque::default());
            }
            sink.pending.sync()?;
            sink.output.sync_names().map_err(|error| sink.failed(error))?;
            let addition = Addition::of(sink.ends.pending_from, &sink.pending.read()?);
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

    fn published_bytes(&self) -> Option<u64> {
        Some(self.ends.published)
    }
}

#[cfg(test)]
mod tests;
