//! The named outputs of a run: what a plugin emits is kept out of sight until the checkpoint that it
//! belongs to stands.

use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alluvium_connectors::sink::{self, FileSink, Guarantee, Sink, SinkError, SinkErrorKind, WriterSink};
use alluvium_connectors::{Batch, Opaque};
use alluvium_host::{Engine, Plugin, RuntimeError};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::arguments::Run;
use super::bad_record::BadRecord;
use super::bookmarks;
use super::connections::{ConnectedOutput, ConnectedSink, Connections};
use super::input_options::OnError;
use super::inputs;
use super::service::OutputStatus;
use super::signals::Signals;
use super::strict;
use crate::failure::Failure;
use crate::shown::Shown;

/// What the checkpoints call the file of records that are left out.
const DEAD_LETTERS: &str = "dead-letter";

/// The outputs, in the order in which the plugin numbers them, and after them the dead letters.
pub(super) struct Outputs {
    outputs: Vec<Output>,
    /// How many of them are the plugin's.
    of_plugin: usize,
}

struct Output {
    name: String,
    /// What the checkpoints call it.
    stored_as: String,
    /// Its file; none for what has no content of its own, as the standard output or a device.
    path: Option<PathBuf>,
    sink: Box<dyn Sink>,
    /// Whether its records are only counted.
    is_nowhere: bool,
    /// Records that it was given.
    written: u64,
}

/// What a checkpoint stands for of each output.
pub(super) struct Tokens(Vec<Opaque>);

impl Outputs {
    /// Opens the outputs, and completes what the recovered checkpoint stands for.
    pub(super) fn open(
        run: &Run,
        connections: &Connections,
        plugin: &mut Plugin,
        signals: &Signals,
    ) -> Result<Self, Failure> {
        let of_plugin = connections.outputs.len();
        let mut connected = connections.outputs.clone();
        if let OnError::DeadLetter(path) = &run.reading.on_error {
            let (name, sink) = (DEAD_LETTERS.to_owned(), ConnectedSink::To(path.clone()));
            connected.push(ConnectedOutput { stored_as: name.clone(), name, sink });
        }
        let is_new = plugin.recovered().is_none();
        let mut outputs = Vec::new();
        for ConnectedOutput { name, stored_as, sink } in connected {
            let token = plugin.with_engine(|engine| bookmarks::token(engine, &stored_as));
            let token = token.map_err(|error| Failure::runtime(&run.dir, &error))?;
            let is_nowhere = sink == ConnectedSink::Nowhere;
            let (path, sink) = open(&sink, is_new && !run.overwrite, run, signals)?;
            if run.strict {
                strict::check_sink(&*sink)?;
            }
            let sink = recovered(sink, path.as_deref(), token.as_ref(), run)?;
            outputs.push(Output { name, stored_as, path, sink, is_nowhere, written: 0 });
        }
        Ok(Self { outputs, of_plugin })
    }

    /// Takes what was emitted to an output.
    pub(super) fn write(&mut self, number: usize, records: &Batch) -> Result<(), Failure> {
        let output = self.outputs[..self.of_plugin].get_mut(number);
        let output =
            output.ok_or_else(|| Failure::plain(format!("the plugin emits to output {number}: there is none")))?;
        output.written += u64::from(records.count());
        output.sink.write(records).map_err(|error| Failure::sink(&error))
    }

    /// Returns the outputs that lead nowhere and had records, with their number.
    pub(super) fn dropped(&self) -> impl Iterator<Item = (&str, u64)> {
        let dropped = self.outputs.iter().filter(|output| output.is_nowhere && output.written > 0);
        dropped.map(|output| (output.name.as_str(), output.written))
    }

    /// Returns what is shown of the outputs.
    pub(super) fn status(&self) -> Vec<OutputStatus> {
        let status = |Output { name, sink, written, .. }: &Output| OutputStatus {
            name: name.clone(),
            sink: sink.name().to_owned(),
            guarantee: sink.guarantee(),
            records: *written,
            published_bytes: sink.published_bytes(),
        };
        self.outputs.iter().map(status).collect()
    }

    /// Takes a record that is left out, if there is a file for it.
    pub(super) fn write_dead_letter(&mut self, bad: &BadRecord, source_name: &str) -> Result<(), Failure> {
        let Some(output) = self.outputs.get_mut(self.of_plugin) else { return Ok(()) };
        let line = bad.line(source_name);
        output.written += 1;
        output.sink.write(&Batch::of_raw([line.as_bytes()])).map_err(|error| Failure::sink(&error))
    }

    /// Before the checkpoint: makes what was emitted durable, still out of sight.
    pub(super) fn prepare(&mut self) -> Result<Tokens, Failure> {
        let tokens = self.outputs.iter_mut().map(|output| output.sink.prepare());
        tokens.collect::<Result<_, _>>().map(Tokens).map_err(|error| Failure::sink(&error))
    }

    /// Puts the tokens into the checkpoint to come. What cannot be recovered needs none.
    pub(super) fn store(&self, tokens: &Tokens, engine: &mut dyn Engine) -> Result<(), RuntimeError> {
        for (output, token) in self.outputs.iter().zip(&tokens.0) {
            if !token.as_bytes().is_empty() && output.sink.guarantee() != Guarantee::AtMostOnce {
                engine.set_sink_token(&output.stored_as, token)?;
            }
        }
        Ok(())
    }

    /// After the checkpoint: shows what belongs to it.
    pub(super) fn publish(&mut self, tokens: &Tokens) -> Result<(), Failure> {
        let mut outputs = self.outputs.iter_mut().zip(&tokens.0);
        outputs.try_for_each(|(output, token)| output.sink.publish(token)).map_err(|error| Failure::sink(&error))
    }

    /// Between two checkpoints: begins new files for those that were moved away.
    pub(super) fn reopen(&mut self) -> Result<(), Failure> {
        let mut outputs = self.outputs.iter_mut();
        outputs.try_for_each(|output| output.sink.reopen()).map_err(|error| Failure::sink(&error))
    }

    /// Returns what the file of an output shows of the checkpoints; nothing for the standard output.
    pub(super) fn shown(&self, number: usize) -> Result<Vec<u8>, Failure> {
        let Some(Output { path: Some(path), sink, .. }) = self.outputs.get(number) else { return Ok(Vec::new()) };
        let published = usize::try_from(sink.published_bytes().unwrap_or(0)).unwrap_or(usize::MAX);
        match fs::read(path) {
            Ok(mut bytes) => {
                bytes.truncate(published);
                Ok(bytes)
            }
            Err(error) if published == 0 && error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Failure::file(path, &error)),
        }
    }
}

/// Opens an output, and returns its path if it is a file with content of its own. `keeps` means that a file
/// that is there already is somebody's.
fn open(
    to: &ConnectedSink,
    keeps: bool,
    run: &Run,
    signals: &Signals,
) -> Result<(Option<PathBuf>, Box<dyn Sink>), Failure> {
    let name = "standard output";
    let path = match to {
        ConnectedSink::To(path) => path.as_path(),
        ConnectedSink::Nowhere => return Ok((None, Box::new(WriterSink::new("nowhere", io::sink())))),
        // What a plugin emits is another program's business as it is, and people's made fit to be seen.
        ConnectedSink::StandardOutput if io::stdout().is_terminal() => {
            return Ok((None, Box::new(WriterSink::new(name, Shown::new(io::stdout())))));
        }
        ConnectedSink::StandardOutput => return Ok((None, Box::new(WriterSink::new(name, io::stdout())))),
    };
    if let Some(address) = inputs::address(path) {
        let sink = sink::from_url(address).map_err(|error| Failure::at("--output", error))?;
        return Ok((None, sink));
    }
    // A device or a pipe is written to as it is.
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let file = open_special(path, signals)?;
        return Ok((None, Box::new(WriterSink::new(path.display().to_string(), file))));
    }
    let sink = FileSink::new(path).map_err(|error| Failure::sink(&error))?;
    let sink = sink.overwrite(!keeps).start_over(run.new_output);
    let sink = match run.rotate_output {
        Some(bytes) => sink.rotate_at_bytes(bytes.get()),
        None => sink,
    };
    Ok((Some(path.to_owned()), Box::new(sink)))
}

/// How long a pipe without a reader is left alone before it is tried again.
const READER_INTERVAL: Duration = Duration::from_millis(20);

/// Opens a device or a pipe. A pipe waits for its reader, until a signal asks for the end.
fn open_special(path: &Path, signals: &Signals) -> Result<File, Failure> {
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    loop {
        match File::options().write(true).custom_flags(without_waiting).open(path) {
            Ok(file) => {
                let flags = fcntl_getfl(&file).and_then(|flags| fcntl_setfl(&file, flags - OFlags::NONBLOCK));
                return flags.map(|()| file).map_err(|error| Failure::file(path, &error.into()));
            }
            // There is no reader yet. What is no pipe will never have one.
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) && is_pipe(path) => {
                if signals.stop() {
                    return Err(Failure::at(path.display(), "the run was told to end before the pipe had a reader"));
                }
                std::thread::sleep(READER_INTERVAL);
            }
            Err(error) => return Err(Failure::file(path, &error)),
        }
    }
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

fn recovered(
    mut sink: Box<dyn Sink>,
    path: Option<&Path>,
    token: Option<&Opaque>,
    run: &Run,
) -> Result<Box<dyn Sink>, Failure> {
    let recovered = sink.recover(token.map(std::slice::from_ref).unwrap_or_default());
    recovered.map_err(|error: SinkError| {
        let given = "give the --output that the run began with";
        match (path, error.kind()) {
            (None, SinkErrorKind::Token) => {
                Failure::at(run.dir.display(), "what its plugin emitted went to a file").hint(given)
            }
            (_, SinkErrorKind::Open | SinkErrorKind::Io) => Failure::sink(&error),
            (_, SinkErrorKind::Replaced) if token.is_none() => {
                Failure::plain(error.to_string()).hint("name another --output, or let it be replaced with --overwrite")
            }
            (Some(_), SinkErrorKind::Ahead) => Failure::plain(error.to_string())
                .hint("move these files to another directory, or delete them, and run again"),
            (_, SinkErrorKind::Missing | SinkErrorKind::Replaced) => Failure::plain(error.to_string()).hint(format!(
                "{given}; if it was moved or lost, --new-output begins another one, which must not exist yet"
            )),
            _ => Failure::plain(error.to_string()).hint(given),
        }
    })?;
    Ok(sink)
}
