//! What a plugin emits: kept out of sight until the checkpoint that it belongs to stands.

use std::path::Path;

use alluvium_connectors::sink::{FileSink, Sink};
use alluvium_host::Plugin;

use crate::failure::Failure;
use crate::output;

/// The name under which checkpoints keep what they stand for of the output.
pub(super) const TOKEN: &str = "sink.output";

/// Where what is emitted goes.
pub(super) enum Emissions {
    /// A file, exactly once.
    File(FileSink),
    /// A file that nothing was emitted to yet: left alone until something is.
    Untouched(Option<std::path::PathBuf>),
    /// The standard output, which cannot be taken back: after each checkpoint, and after a crash
    /// between the two, once more or not at all.
    Standard(Vec<u8>),
}

impl Emissions {
    /// Opens the output and completes what the recovered checkpoint stands for.
    pub(super) fn open(path: Option<&Path>, plugin: &mut Plugin, dir: &Path) -> Result<Self, Failure> {
        let token = plugin.annotation(TOKEN).map_err(|error| Failure::runtime(dir, &error))?;
        match (path, token) {
            (Some(path), Some(token)) => {
                let mut sink = FileSink::open(path).map_err(|error| Failure::file(path, &error))?;
                sink.recover(Some(&token)).map_err(|error| {
                    Failure::at(path.display(), error).hint("give the --output that the run began with")
                })?;
                Ok(Self::File(sink))
            }
            (None, Some(_)) => Err(Failure::at(dir.display(), "what its plugin emitted went to a file")
                .hint("give the --output that the run began with")),
            (path, None) => Ok(Self::Untouched(path.map(Path::to_owned))),
        }
    }

    /// Takes what was emitted.
    pub(super) fn emit(&mut self, lines: &[u8]) -> Result<(), Failure> {
        if lines.is_empty() {
            return Ok(());
        }
        if let Self::Untouched(path) = self {
            *self = match path {
                None => Self::Standard(Vec::new()),
                Some(path) => {
                    let begun = FileSink::open(&*path).and_then(|mut sink| sink.recover(None).map(|()| sink));
                    Self::File(begun.map_err(|error| Failure::file(path, &error))?)
                }
            };
        }
        match self {
            Self::File(sink) => sink.emit(lines).map_err(|error| Failure::at("the output", error)),
            Self::Standard(waiting) => {
                waiting.extend_from_slice(lines);
                Ok(())
            }
            Self::Untouched(_) => Ok(()),
        }
    }

    /// Before the checkpoint: the token that goes into it.
    pub(super) fn prepare(&mut self) -> Result<Option<String>, Failure> {
        match self {
            Self::File(sink) => sink.prepare().map(Some).map_err(|error| Failure::at("the output", error)),
            Self::Standard(_) | Self::Untouched(_) => Ok(None),
        }
    }

    /// After the checkpoint: shows what belongs to it.
    pub(super) fn commit(&mut self, token: Option<&str>) -> Result<(), Failure> {
        match (self, token) {
            (Self::File(sink), Some(token)) => sink.commit(token).map_err(|error| Failure::at("the output", error)),
            (Self::Standard(waiting), _) => {
                let lines = std::mem::take(waiting);
                output::print(|out| out.write_all(&lines))
            }
            _ => Ok(()),
        }
    }

    /// What a file shows.
    pub(super) fn shown(&self) -> Result<Vec<u8>, Failure> {
        let Self::File(sink) = self else { return Ok(Vec::new()) };
        let path = sink.path();
        match std::fs::read(path) {
            Ok(mut bytes) => {
                bytes.truncate(usize::try_from(sink.committed_bytes()).unwrap_or(usize::MAX));
                Ok(bytes)
            }
            Err(error) if sink.committed_bytes() == 0 && error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Failure::file(path, &error)),
        }
    }
}
