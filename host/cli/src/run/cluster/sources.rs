//! The inputs and outputs of a job, as the command line names them.

use std::path::Path;
use std::sync::Arc;

use alluvium_cluster::{ClusterError, Input, LeftOut};
use alluvium_connectors::Batch;
use alluvium_connectors::sink::{self, FileSink, Sink};
use alluvium_connectors::source::{Identity, Partition, Reader, Schema, Source, SourceError};
use alluvium_host::Description;
use serde_json::json;

use super::super::apart::{self, Written};
use super::super::bad_record::BadRecord;
use super::super::connections::{ConnectedInput, Connection, TIME_COLUMN, check_filled, connect};
use super::super::event_time::Times;
use super::super::input_options::{InputOptions, OnError};
use super::super::inputs::{self, InputSource, address, decode};
use super::super::operator::takes_columns;
use super::arguments::Run;
use crate::failure::Failure;
use crate::shown::tell;

/// Returns the inputs of the plugin, in its order.
pub(super) fn inputs(run: &Run, description: &Description) -> Result<Vec<Input>, Failure> {
    let plugin = run.plugin.display().to_string();
    let names: Vec<&str> = description.inputs.iter().map(|input| input.name.as_str()).collect();
    check_filled(&run.input, "--input", "SOURCE")?;
    let sources = connect(&run.input, &names, "input", &plugin)?;
    let (of_one, of_all): (Vec<Connection>, Vec<Connection>) =
        run.time_column.iter().cloned().partition(Connection::is_named);
    let columns = connect(&of_one, &names, "input", &plugin)?;
    // What is read to its end has an end: its last record is whole.
    let options = InputOptions { is_final: !run.reading.follow, ..run.reading.clone() };
    let mut inputs = Vec::new();
    for (number, (name, source)) in names.iter().zip(sources).enumerate() {
        let source = source.ok_or_else(|| {
            Failure::at(&plugin, format!("its input {name} is not connected"))
                .hint(format!("give each input a source: --input {name}=SOURCE"))
        })?;
        let column = columns[number].or_else(|| of_all.last().map(|column| column.to.as_path()));
        let column = column.map_or_else(|| TIME_COLUMN.to_owned(), |column| column.to_string_lossy().into_owned());
        let connected = ConnectedInput {
            stored_as: (*name).to_owned(),
            source: source.to_owned(),
            takes_columns: takes_columns(description, number),
            time_column: column.clone(),
        };
        // What is wrong with the arguments is said before anything is claimed.
        open(&connected, &options)?;
        let times = Times { column: column.clone(), format: options.time_format };
        let is_timed = connected.takes_columns && !column.is_empty();
        let opener = |options: InputOptions| {
            let connected = connected.clone();
            move || open(&connected, &options).map_err(|failure| ClusterError::Source(failure.to_string()))
        };
        let as_it_is = InputOptions { follow: false, is_final: false, ..options.clone() };
        // Partitions may be added to what has an address, and files come where files are followed.
        let grows = options.follow || address(source).is_some();
        let input = Input::new(*name, opener(options.clone())).as_it_is(opener(as_it_is)).grows(grows);
        inputs.push(if is_timed { input.time(column, move |field| times.read(field)) } else { input });
    }
    Ok(inputs)
}

fn open(connected: &ConnectedInput, options: &InputOptions) -> Result<Box<dyn Source>, Failure> {
    let is_file = address(&connected.source).is_none();
    let opened = inputs::open(std::slice::from_ref(connected), options)?.pop();
    let opened = opened.ok_or_else(|| Failure::at(connected.source.display(), "is no source"))?;
    let source: Box<dyn Source> = match opened.source {
        InputSource::One(source) => source,
        InputSource::Files(files) => Box::new(files),
    };
    if !options.decodes_json(connected.takes_columns, is_file) {
        return Ok(source);
    }
    Ok(Box::new(Decoded { source, options: Arc::new(options.clone()) }))
}

/// A source whose records are made columns of.
struct Decoded {
    source: Box<dyn Source>,
    options: Arc<InputOptions>,
}

impl Source for Decoded {
    fn identity(&self) -> &Identity {
        self.source.identity()
    }

    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        self.source.partitions()
    }

    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        let name = self.source.identity().name().to_owned();
        Ok(decode(self.source.open(partition)?, &name, &self.options, None))
    }
}

/// Sinks with the names of their outputs.
pub(super) type Sinks = Vec<(String, Box<dyn Sink>)>;

/// Returns the outputs that are connected, by their names.
pub(super) fn outputs(run: &Run, description: &Description) -> Result<Sinks, Failure> {
    let plugin = run.plugin.display().to_string();
    let names: Vec<&str> = description.outputs.iter().map(|output| output.name.as_str()).collect();
    check_filled(&run.output, "--output", "SINK")?;
    if let (Some(output), true) = (run.output.first(), names.is_empty()) {
        let what = format!("it has no outputs, so there is nothing to write to {}", output.to.display());
        return Err(Failure::at(plugin, what).hint("alluvium cluster export writes the state"));
    }
    let connected = connect(&run.output, &names, "output", &plugin)?;
    let connections = names.iter().zip(&connected);
    let mut written: Vec<_> =
        connections.filter_map(|(name, sink)| sink.map(|path| Written::output(name, path))).collect();
    written.extend(Written::dead_letters(&run.reading.on_error));
    apart::check_each_other(&written, false)?;
    let mut outputs = Sinks::new();
    for (name, sink) in names.iter().zip(connected) {
        match sink {
            Some(path) => outputs.push(((*name).to_owned(), open_sink(path, run)?)),
            None => tell(&format!("the output {name} leads nowhere: --output {name}=SINK connects it")),
        }
    }
    Ok(outputs)
}

/// Returns the sink of records that are left out, if there is one.
pub(super) fn dead_letters(run: &Run) -> Result<Option<Box<dyn Sink>>, Failure> {
    match &run.reading.on_error {
        OnError::DeadLetter(path) => open_sink(path, run).map(Some),
        OnError::Stop | OnError::Skip => Ok(None),
    }
}

/// Says why a record is left out.
pub(super) fn why(record: &LeftOut) -> String {
    if record.is_refused { format!("the plugin refuses it: {}", record.error) } else { record.error.clone() }
}

/// Returns the line of a record that is left out. It has the members that `alluvium run` gives it, and says where the
/// record stands in the job.
pub(super) fn dead_letter(record: &LeftOut) -> Vec<u8> {
    let number = record.number_in_partition.unwrap_or(record.number);
    let mut batch = Batch::default();
    batch.push(record.fields.iter().map(Vec::as_slice));
    let schema = record.columns.clone().map_or(Schema::Raw, Schema::Fields);
    let Some(fields) = batch.records().next() else { return Vec::new() };
    let bad = BadRecord::of_record(number, why(record), &fields, Some(&schema));
    let place = [
        ("input", json!(record.input)),
        ("partition", json!(record.partition)),
        ("epoch", json!(record.epoch)),
        ("record_of_epoch", json!(record.number)),
    ];
    bad.line_at(place).into_bytes()
}

fn random() -> Result<[u8; 8], Failure> {
    let mut bytes = [0; 8];
    let drawn = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    drawn.map_err(|error| Failure::at("the randomness of the system", error))?;
    Ok(bytes)
}

fn open_sink(path: &Path, run: &Run) -> Result<Box<dyn Sink>, Failure> {
    if let Some(address) = address(path) {
        return sink::from_url_of_job(address).map_err(|error| Failure::at("--output", error));
    }
    // The next start would read it.
    run.input.iter().try_for_each(|input| apart::check_input(path, &input.to, &run.reading))?;
    let sink = FileSink::new(path).map_err(|error| Failure::sink(&error))?;
    // A process that was stopped and continues later does not disturb this one.
    let writer = format!("{:016x}", u64::from_le_bytes(random()?));
    Ok(Box::new(sink.writer(&writer)))
}
