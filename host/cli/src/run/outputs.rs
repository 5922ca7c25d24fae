//! The named outputs of a run: what a plugin emits is kept out of sight until the checkpoint that it
//! belongs to stands.

use crate::shown::Shown;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use alluvium_connectors::sink::{FileSink, Guarantee, Sink, SinkError, SinkErrorKind, WriterSink};
use alluvium_connectors::{Batch, Opaque};
use alluvium_host::{Engine, Plugin, RuntimeError};

use super::bookmarks;
use crate::failure::Failure;

/// The outputs, in the order in which the plugin numbers them.
pub(super) struct Outputs(Vec<Output>);

struct Output {
    /// What the plugin and the checkpoints call it.
    name: String,
    /// Its file; none for the standard output.
    path: Option<PathBuf>,
    sink: Box<dyn Sink>,
}

/// What a checkpoint stands for of each output.
pub(super) struct Tokens(Vec<Opaque>);

impl Outputs {
    /// Opens the outputs, given as names and paths, and completes what the recovered checkpoint stands for.
    pub(super) fn open(outputs: &[(&str, Option<&Path>)], plugin: &mut Plugin, dir: &Path) -> Result<Self, Failure> {
        let mut open = Vec::new();
        for (name, path) in outputs {
            let token = plugin.with_engine(|engine| bookmarks::token(engine, name));
            let token = token.map_err(|error| Failure::runtime(dir, &error))?;
            let sink = recovered(*path, token.as_ref(), dir)?;
            open.push(Output { name: (*name).to_owned(), path: path.map(Path::to_owned), sink });
        }
        Ok(Self(open))
    }

    /// Takes what was emitted to an output.
    pub(super) fn write(&mut self, number: usize, records: &Batch) -> Result<(), Failure> {
        let output = self.0.get_mut(number);
        let output =
            output.ok_or_else(|| Failure::plain(format!("the plugin emits to output {number}: there is none")))?;
        output.sink.write(records).map_err(|error| Failure::sink(&error))
    }

    /// Before the checkpoint: makes what was emitted durable, still out of sight.
    pub(super) fn prepare(&mut self) -> Result<Tokens, Failure> {
        let tokens = self.0.iter_mut().map(|output| output.sink.prepare());
        tokens.collect::<Result<_, _>>().map(Tokens).map_err(|error| Failure::sink(&error))
    }

    /// Puts the tokens into the checkpoint to come. What cannot be recovered needs none.
    pub(super) fn store(&self, tokens: &Tokens, engine: &mut dyn Engine) -> Result<(), RuntimeError> {
        for (output, token) in self.0.iter().zip(&tokens.0) {
            if !token.as_bytes().is_empty() && output.sink.guarantee() != Guarantee::AtMostOnce {
                engine.set_sink_token(&output.name, token)?;
            }
        }
        Ok(())
    }

    /// After the checkpoint: shows what belongs to it.
    pub(super) fn publish(&mut self, tokens: &Tokens) -> Result<(), Failure> {
        let mut outputs = self.0.iter_mut().zip(&tokens.0);
        outputs.try_for_each(|(output, token)| output.sink.publish(token)).map_err(|error| Failure::sink(&error))
    }

    /// Returns what the file of an output shows of the checkpoints; nothing for the standard output.
    pub(super) fn shown(&self, number: usize) -> Result<Vec<u8>, Failure> {
        let Some(Output { path: Some(path), sink, .. }) = self.0.get(number) else { return Ok(Vec::new()) };
        let published = usize::try_from(sink.published_bytes().unwrap_or(0)).unwrap_or(usize::MAX);
        match std::fs::read(path) {
            Ok(mut bytes) => {
                bytes.truncate(published);
                Ok(bytes)
            }
            Err(error) if published == 0 && error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Failure::file(path, &error)),
        }
    }
}

fn recovered(path: Option<&Path>, token: Option<&Opaque>, dir: &Path) -> Result<Box<dyn Sink>, Failure> {
    let mut sink: Box<dyn Sink> = match path {
        Some(path) => Box::new(FileSink::new(path).map_err(|error| Failure::sink(&error))?),
        // What a plugin emits is another program's business as it is, and people's made fit to be seen.
        None if io::stdout().is_terminal() => Box::new(WriterSink::new("standard output", Shown::new(io::stdout()))),
        None => Box::new(WriterSink::new("standard output", io::stdout())),
    };
    let given = "give the --output that the run began with";
    let recovered = sink.recover(token.map(std::slice::from_ref).unwrap_or_default());
    recovered.map_err(|error: SinkError| match (path, error.kind()) {
        (None, SinkErrorKind::Token) => {
            Failure::at(dir.display(), "what its plugin emitted went to a file").hint(given)
        }
        (_, SinkErrorKind::Open) => Failure::sink(&error),
        _ => Failure::plain(error.to_string()).hint(given),
    })?;
    Ok(sink)
}
