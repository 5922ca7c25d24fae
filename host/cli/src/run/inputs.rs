//! The named inputs of a run: each is a source, and each of its partitions has a reader.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use alluvium_connectors::source::{self, FileSet, FileSource, JsonReader, Partition, Reader, Source};

use super::connections::ConnectedInput;
use super::input_options::{InputFormat, InputOptions};
use crate::failure::Failure;

/// An input of the plugin.
pub(super) struct Input {
    pub(super) connected: ConnectedInput,
    pub(super) source: InputSource,
    /// Its partitions, in order.
    pub(super) partitions: Vec<Partition>,
    /// Where records come from, for errors; a partition of files has its path.
    source_name: String,
}

/// Where the records of an input come from.
pub(super) enum InputSource {
    /// A file, a pipe, or an address.
    One(Box<dyn Source>),
    /// Files, each a partition.
    Files(Files),
}

/// Many files.
pub(super) type Files = FileSet<Box<dyn Fn(PathBuf) -> FileSource + Send>>;

/// Opens the inputs, each by its path or its address; `-` is the standard input.
pub(super) fn open(inputs: &[ConnectedInput], options: &InputOptions) -> Result<Vec<Input>, Failure> {
    let open = |connected: &ConnectedInput| {
        let source = source(&connected.source, options, connected.takes_columns)?;
        Input::open(connected, source)
    };
    inputs.iter().map(open).collect()
}

/// Refuses options that these inputs cannot follow.
pub(super) fn check(inputs: &[ConnectedInput], options: &InputOptions) -> Result<(), Failure> {
    let decodes = |input: &ConnectedInput| options.decodes_json(input.takes_columns, address(&input.source).is_none());
    if options.columns.is_some() && !inputs.iter().any(decodes) {
        let what = "it names the columns of NDJSON, and no input is read as NDJSON";
        return Err(Failure::at("--columns", what).hint("say --format ndjson, or leave --columns out"));
    }
    let takes_columns = inputs.iter().find(|input| input.takes_columns);
    match takes_columns.filter(|_| options.format == Some(InputFormat::Lines)) {
        Some(input) => {
            let what = "its lines have no columns, and the plugin takes columns";
            Err(Failure::at(input.source.display(), what).hint("say --format csv or --format ndjson"))
        }
        None => Ok(()),
    }
}

fn source(path: &Path, options: &InputOptions, takes_columns: bool) -> Result<InputSource, Failure> {
    if let Some(address) = address(path) {
        let source = source::from_url(address).map_err(|error| Failure::at("--input", error))?;
        return Ok(InputSource::One(source));
    }
    if let Some(files) = files(path, options, takes_columns)? {
        return Ok(InputSource::Files(files));
    }
    let source = if path == Path::new("-") { FileSource::standard_input() } else { FileSource::new(path) };
    Ok(InputSource::One(Box::new(with_options(source, options, takes_columns)?)))
}

/// Returns the files that a path stands for, if it is a directory or a pattern.
fn files(path: &Path, options: &InputOptions, takes_columns: bool) -> Result<Option<Files>, Failure> {
    let is_pattern = || path.to_string_lossy().contains(['*', '?', '[']);
    let found = std::fs::metadata(path);
    let is_directory = found.as_ref().is_ok_and(std::fs::Metadata::is_dir);
    if !is_directory && (found.is_ok() || !is_pattern()) {
        return Ok(None);
    }
    // What is wrong with the options is known before the first file.
    file(path, options, takes_columns)?;
    let template = options.clone();
    let open: Box<dyn Fn(PathBuf) -> FileSource + Send> =
        Box::new(move |path| file(&path, &template, takes_columns).unwrap_or_else(|_| FileSource::new(path)));
    let files = if is_directory {
        FileSet::of_directory(path, open)
    } else {
        FileSet::matching(path, open).map_err(|error| Failure::source(&error))?
    };
    Ok(Some(files.without_rotated(options.follow)))
}

/// Whether an output would be one of the files that are read.
pub(super) fn would_read(output: &Path, input: &Path, options: &InputOptions) -> bool {
    address(input).is_none() && files(input, options, true).ok().flatten().is_some_and(|files| files.contains(output))
}

/// Returns the address, if it is one and no path.
pub(super) fn address(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.contains("://") || text.starts_with("unix:") || text.starts_with("unix-listen:"))
}

/// Returns the source over a file, with the options.
pub(super) fn file(path: &Path, options: &InputOptions, takes_columns: bool) -> Result<FileSource, Failure> {
    with_options(FileSource::new(path), options, takes_columns)
}

fn with_options(source: FileSource, options: &InputOptions, takes_columns: bool) -> Result<FileSource, Failure> {
    source
        .format(options.text_format(takes_columns))
        .record_bytes_max(NonZeroUsize::get(options.max_record_bytes))
        .final_record(options.is_final)
        .follow(options.follow)
        .encoding(&options.encoding)
        .map_err(|error| Failure::at("--encoding", error))
}

impl Input {
    fn open(connected: &ConnectedInput, mut source: InputSource) -> Result<Self, Failure> {
        let failed = |error| Failure::source(&error);
        let source_name = source.source().identity().name().to_owned();
        let partitions = source.source().partitions().map_err(failed)?;
        Ok(Self { connected: connected.clone(), source, partitions, source_name })
    }

    /// What the checkpoints call it.
    pub(super) fn name(&self) -> &str {
        &self.connected.stored_as
    }

    /// What errors call the source of a partition.
    pub(super) fn source_name(&self, partition: &Partition) -> String {
        match &self.source {
            InputSource::One(_) => self.source_name.clone(),
            InputSource::Files(_) => self.path(partition).display().to_string(),
        }
    }

    /// Returns where a file is that is one of many.
    pub(super) fn path(&self, partition: &Partition) -> PathBuf {
        match &self.source {
            InputSource::One(_) => PathBuf::from(&self.source_name),
            InputSource::Files(files) => files.path(partition),
        }
    }

    /// Opens the reader of a partition.
    pub(super) fn reader(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, Failure> {
        self.source.source().open(partition).map_err(|error| Failure::source(&error))
    }
}

impl InputSource {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::One(source) => &mut **source,
            Self::Files(files) => files,
        }
    }
}

/// Returns the reader that makes columns of JSON. Those that an earlier run knew come first.
pub(super) fn decode(
    reader: Box<dyn Reader>,
    source_name: &str,
    options: &InputOptions,
    known: Option<Vec<String>>,
) -> Box<dyn Reader> {
    let reader = JsonReader::new(source_name, reader);
    Box::new(match (&options.columns, known) {
        (Some(columns), _) => reader.only_columns(columns.clone()),
        (None, Some(known)) => reader.known_columns(known),
        (None, None) => reader,
    })
}
