//! WebAssembly plugins as operators.

use std::collections::BTreeSet;

use alluvium_core::directory::{Directory, MemoryDirectory};
use alluvium_core::job::JobPart;
use alluvium_core::model::hash::key_hash;
use alluvium_host::{
    Batch, ColumnBatch, Description, Host, HostOptions, InputFormat, Module, PartsStart, Plugin, PluginOptions,
    RecordBatch, RuntimeError,
};

use crate::error::ClusterError;
use crate::left_out::{Refusal, around};
use crate::message::{Emitted, Order, Piece, Place};
use crate::operator::{Build, Cut, Opening, Router, Work, Worker};

/// A plugin as what workers start with. The plugin must say which keys records belong to: it exports `keyed`.
#[derive(Clone)]
pub struct PluginOperator {
    host: Host,
    module: Module,
    options: PluginOptions,
    description: Description,
}

impl std::fmt::Debug for PluginOperator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginOperator").field("name", &self.description.identity.name).finish_non_exhaustive()
    }
}

impl PluginOperator {
    /// Compiles a plugin. `options` have its limits and its parameters.
    ///
    /// A file that is no plugin, and a plugin that does not export `keyed`, are
    /// [`Operator`](ClusterError::Operator).
    pub fn load(
        plugin: impl AsRef<std::path::Path>,
        host: HostOptions,
        options: PluginOptions,
    ) -> Result<Self, ClusterError> {
        let host = Host::native(host)?;
        let module = host.load(plugin.as_ref())?;
        if !module.is_keyed() {
            let what = "does not say which keys its records belong to: export the interface keyed (route), \
                        or run it with one worker by alluvium run";
            return Err(ClusterError::Operator(format!("{}: {what}", plugin.as_ref().display())));
        }
        let description = start_router(&host, &module, &options)?.description().clone();
        Ok(Self { host, module, options, description })
    }

    /// Returns what the plugin says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }
}

/// Starts an instance that only finds keys. Its state stays empty and in memory.
fn start_router(host: &Host, module: &Module, options: &PluginOptions) -> Result<Plugin, RuntimeError> {
    let directory = std::sync::Arc::new(MemoryDirectory::new());
    host.start_over(module, directory, "router", options)
}

impl<D: Directory + Send + Sync + 'static> Build<D> for PluginOperator {
    fn name(&self) -> String {
        self.description.identity.name.clone()
    }

    fn inputs(&self) -> Vec<String> {
        self.description.inputs.iter().map(|input| input.name.clone()).collect()
    }

    fn outputs(&self) -> Vec<String> {
        self.description.outputs.iter().map(|output| output.name.clone()).collect()
    }

    fn open(&self, opening: Opening<D>) -> Result<Box<dyn Worker>, ClusterError> {
        let name = format!("worker {}", opening.worker);
        let options = PluginOptions {
            store_id: Some(opening.store.0),
            max_retained: opening.max_retained,
            ..self.options.clone()
        };
        let Opening { directory, parts, stores, range, .. } = opening;
        let start = PartsStart { directory, parts, stores, range };
        let mut plugin = self.host.start_parts(&self.module, start, &name, &options)?;
        let opened = plugin.with_engine(|engine| Ok(engine.digest()))?.unwrap_or_default();
        let emits = !self.description.outputs.is_empty();
        Ok(Box::new(PluginWorker { plugin, opened, emits, begun: BTreeSet::new() }))
    }

    fn router(&self) -> Result<Box<dyn Router>, ClusterError> {
        Ok(Box::new(PluginRouter {
            plugin: start_router(&self.host, &self.module, &self.options)?,
            begun: BTreeSet::new(),
        }))
    }
}

/// The inputs that were begun, and with which columns.
type Begun = BTreeSet<(u32, Vec<String>)>;

/// Tells the plugin the columns of an input before its first record, and when they change.
fn begin(plugin: &mut Plugin, begun: &mut Begun, piece: &Piece) -> Result<(), RuntimeError> {
    let Some(header) = &piece.header else { return Ok(()) };
    let now = (piece.input, header.clone());
    if begun.contains(&now) {
        return Ok(());
    }
    plugin.begin(piece.input, header)?;
    begun.retain(|(input, _)| *input != piece.input);
    begun.insert(now);
    Ok(())
}

/// Returns records in the form in which the plugin takes those of the input.
fn batch_of(plugin: &Plugin, piece: Piece) -> Batch {
    let takes_records =
        plugin.description().inputs.get(piece.input as usize).is_some_and(|input| input.format == InputFormat::Records);
    if takes_records {
        Batch::Records(RecordBatch { lens: piece.lens, bytes: piece.bytes })
    } else {
        let count = u32::try_from(piece.numbers.len()).unwrap_or(u32::MAX);
        Batch::Columns(ColumnBatch { count, field_lens: piece.lens, fields: piece.bytes })
    }
}

/// Names the record that the plugin refuses, or the place where it fails.
fn named(error: RuntimeError, at: &Place) -> Refusal {
    match error {
        RuntimeError::Refused { record, text, .. } => {
            Refusal::Record { number: record.and_then(|record| at.numbers.get(record as usize)).copied(), what: text }
        }
        error => failed(&error, at).into(),
    }
}

fn failed(error: &RuntimeError, at: &Place) -> ClusterError {
    let number = at.numbers.first().copied().unwrap_or_default();
    let place = format!("input {}, partition {}, from record {}", at.input, at.partition, number + 1);
    ClusterError::Operator(format!("{place} of the epoch: {error}"))
}

struct PluginRouter {
    plugin: Plugin,
    begun: Begun,
}

impl Router for PluginRouter {
    fn route(&mut self, piece: &Piece) -> Result<Vec<u64>, Refusal> {
        begin(&mut self.plugin, &mut self.begun, piece).map_err(|error| failed(&error, &piece.place()))?;
        let batch = batch_of(&self.plugin, piece.clone());
        let keys = self.plugin.route(piece.input, &batch).map_err(|error| named(error, &piece.place()))?;
        if keys.lens.len() != piece.count() {
            let what = format!("gives {} keys for {} records", keys.lens.len(), piece.count());
            return Err(ClusterError::Operator(format!("route of the plugin {what}")).into());
        }
        let mut rest = keys.bytes.as_slice();
        let mut hashes = Vec::with_capacity(keys.lens.len());
        for len in &keys.lens {
            let short = || ClusterError::Operator("route of the plugin gives keys that are too short".into());
            let (key, after) = rest.split_at_checked(*len as usize).ok_or_else(short)?;
            hashes.push(key_hash(key));
            rest = after;
        }
        Ok(hashes)
    }
}

struct PluginWorker {
    plugin: Plugin,
    /// The digest of the state that was opened.
    opened: u64,
    /// Whether it has outputs, so that it must be known which record each emitted one belongs to.
    emits: bool,
    begun: Begun,
}

impl PluginWorker {
    fn feed(&mut self, piece: Piece) -> Result<(), Refusal> {
        let input = piece.input;
        let place = piece.place();
        let batch = batch_of(&self.plugin, piece);
        self.plugin.feed(input, &batch).map_err(|error| named(error, &place))
    }

    /// Takes what was emitted.
    fn take(&mut self, mut order: Order, emitted: &mut Vec<Emitted>) {
        for (output, records) in (0..).zip(self.plugin.take_emitted()) {
            for record in records.records() {
                emitted.push(Emitted { output, order, bytes: record.to_vec() });
                if let Order::Record(_, _, _, count) = &mut order {
                    *count += 1;
                }
            }
        }
    }
}

impl Worker for PluginWorker {
    fn process(&mut self, piece: Piece, work: &mut Work) -> Result<(), ClusterError> {
        begin(&mut self.plugin, &mut self.begun, &piece).map_err(|error| failed(&error, &piece.place()))?;
        let Work { emitted, left_out } = work;
        if !self.emits {
            return around(piece, left_out, |piece| self.feed(piece));
        }
        // One by one: which record an emitted one belongs to decides its place in the output.
        for (number, lens, bytes) in piece.records() {
            let mut one = piece.empty_like();
            one.push(number, lens, bytes);
            around(one, left_out, |one| {
                self.feed(one)?;
                self.take(Order::Record(piece.input, piece.partition, number, 0), emitted);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn end_epoch(&mut self, end: &Cut, emitted: &mut Vec<Emitted>) -> Result<(), ClusterError> {
        // Where nothing needs the time of the machine, it is not stored: equal streams have equal states.
        let now_ms = end.now_ms.filter(|_| self.plugin.description().needs_processing_time());
        self.plugin.with_engine(|engine| {
            // A checkpoint of a plugin begins the next epoch.
            engine.set_epoch(end.epoch - 1)?;
            end.watermark.map_or(Ok(()), |watermark| engine.set_watermark(watermark))?;
            now_ms.map_or(Ok(()), |now_ms| engine.set_processing_time(now_ms))
        })?;
        while let Some(fired) = self.plugin.fire_first_timers(end.is_last)? {
            self.take(Order::Timer(fired.at_ms, fired.namespace), emitted);
        }
        if end.is_last {
            self.plugin.finish()?;
            self.take(Order::Finish, emitted);
        }
        Ok(())
    }

    fn digest(&mut self) -> Result<u64, ClusterError> {
        Ok(self.opened)
    }

    fn begin_part(&mut self) -> Result<(), ClusterError> {
        Ok(self.plugin.begin_checkpoint()?)
    }

    fn durable_parts(&mut self) -> Result<Vec<JobPart>, ClusterError> {
        self.plugin.finished_checkpoints()?;
        Ok(self.plugin.with_engine(|engine| Ok(engine.take_parts()))?)
    }
}
