//! Answering the questions of a host: each calls a method, and its result is sent.

use std::io;
use std::os::unix::net::UnixStream;

use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::source_position::SourcePosition;
use serde_bytes::ByteBuf;

use super::{Served, answer};
use crate::engine::{Engine, Walk};
use crate::error::RuntimeError;
use crate::isolated::failure::SentError;
use crate::isolated::message::{EngineCall, PluginCall, SentPosition, Worked};
use crate::isolated::records::SentRecords;
use crate::isolated::values::{SentPage, SentValues};
use crate::operator::{LocalOperator, Operator};

impl Served {
    /// Calls an instance.
    pub(super) fn plugin(&mut self, socket: &UnixStream, number: u32, call: PluginCall<'_>) -> io::Result<()> {
        let Some(operator) = self.operators.get_mut(&number) else {
            return answer::<()>(socket, Err(RuntimeError::Ended { why: "there is no such instance".to_owned() }));
        };
        match call {
            PluginCall::Accept => answer(socket, operator.accept()),
            PluginCall::DeclareNamespaces => answer(socket, operator.declare_namespaces()),
            PluginCall::MemoryBytes => answer(socket, Ok(operator.memory_bytes())),
            PluginCall::Open(context) => worked(socket, operator, |operator| operator.open(&context)),
            PluginCall::Begin { input, header } => worked(socket, operator, |operator| operator.begin(input, &header)),
            PluginCall::Process { input, batch } => {
                let batch = batch.into_batch();
                worked(socket, operator, |operator| operator.process(input, &batch))
            }
            PluginCall::OnTimers { namespace, up_to_ms, limit } => {
                worked(socket, operator, |operator| operator.on_timers(namespace, up_to_ms, limit))
            }
            PluginCall::Finish => worked(socket, operator, Operator::finish),
            PluginCall::Route { input, batch } => {
                let batch = batch.into_batch();
                worked(socket, operator, |operator| operator.route(input, &batch).map(SentRecords::from))
            }
            PluginCall::Results { start, limit } => worked(socket, operator, |operator| {
                let page = operator.results(start, limit)?;
                Ok(page.iter().map(String::as_bytes).collect::<SentRecords>())
            }),
            PluginCall::Migrate { from } => worked(socket, operator, |operator| operator.migrate(from)),
        }
    }
}

/// Lets the plugin work, and sends what it emitted and said with what comes of it.
fn worked<T: serde::Serialize>(
    socket: &UnixStream,
    operator: &mut LocalOperator,
    call: impl FnOnce(&mut LocalOperator) -> Result<T, RuntimeError>,
) -> io::Result<()> {
    let value = call(operator).map_err(SentError::from);
    let emitted = operator.take_emitted().iter().map(SentRecords::of_emitted).collect();
    answer(socket, Ok(Worked { value, messages: operator.take_messages(), emitted }))
}

/// Calls the engine.
pub(super) fn engine(socket: &UnixStream, engine: &mut dyn Engine, call: EngineCall<'_>) -> io::Result<()> {
    use EngineCall as Call;
    match call {
        Call::DeclareNamespace(declaration) => answer(socket, engine.declare_namespace(&declaration)),
        Call::Get(namespace, key) => answer(socket, engine.get(namespace, &key).map(|value| value.map(ByteBuf::from))),
        Call::GetMany(namespace, keys) => answer(socket, engine.get_many(namespace, &keys).map(SentValues::from)),
        Call::Apply(namespace, batch) => answer(socket, engine.apply(namespace, &batch)),
        Call::Put(namespace, key, value) => answer(socket, engine.put(namespace, &key, &value)),
        Call::Delete(namespace, key) => answer(socket, engine.delete(namespace, &key)),
        Call::Scan { namespace, range, reverse, limit } => {
            answer(socket, engine.scan(namespace, &range, reverse, limit).map(SentPage::from))
        }
        Call::DeleteRange(namespace, range) => answer(socket, engine.delete_range(namespace, &range)),
        Call::SetTimer(namespace, at_ms, key) => answer(socket, engine.set_timer(namespace, at_ms, &key)),
        Call::DeleteTimer(namespace, at_ms, key) => answer(socket, engine.delete_timer(namespace, at_ms, &key)),
        Call::FirstTimer(namespace) => answer(socket, engine.first_timer(namespace)),
        Call::TakeTimers { namespace, up_to_ms, limit } => {
            let due = engine.take_timers(namespace, up_to_ms, limit);
            answer(socket, due.map(|due| due.map(|due| (due.at_ms, SentRecords::from(due.keys)))))
        }
        Call::Len(namespace) => answer(socket, engine.len(namespace)),
        Call::Iterate(namespace, prefix) => answer(socket, engine.iterate(namespace, &prefix).map(|walk| walk.0)),
        Call::Next { walk, limit } => answer(socket, engine.next(Walk(walk), limit).map(SentPage::from)),
        Call::EndWalk(walk) => {
            engine.end_walk(Walk(walk));
            answer(socket, Ok(()))
        }
        Call::BeginBatch => answer(socket, engine.begin_batch()),
        Call::RollbackBatch => answer(socket, engine.rollback_batch()),
        Call::Recovered => answer(socket, engine.recovered()),
        Call::SourceOffset(source) => answer(socket, engine.source_offset(source)),
        Call::SetSourceOffset(source, offset) => answer(socket, engine.set_source_offset(source, offset)),
        Call::Position(source, partition) => {
            answer(socket, engine.position(source, partition).map(|position| position.map(sent)))
        }
        Call::SetPosition(source, partition, position) => {
            let set = position_of(position).and_then(|position| engine.set_position(source, partition, &position));
            answer(socket, set)
        }
        Call::SinkToken(sink) => {
            answer(socket, engine.sink_token(sink).map(|token| token.map(|token| token.as_bytes().to_vec())))
        }
        Call::SetSinkToken(sink, token) => {
            answer(socket, opaque(token).and_then(|token| engine.set_sink_token(sink, &token)))
        }
        Call::PartitionWatermark(input, partition) => answer(socket, engine.partition_watermark(input, partition)),
        Call::SetPartitionWatermark(input, partition, ms) => {
            answer(socket, engine.set_partition_watermark(input, partition, ms))
        }
        Call::ProcessingTime => answer(socket, engine.processing_time()),
        Call::SetProcessingTime(time_ms) => answer(socket, engine.set_processing_time(time_ms)),
        Call::Watermark => answer(socket, engine.watermark()),
        Call::SetWatermark(watermark_ms) => answer(socket, engine.set_watermark(watermark_ms)),
        Call::Epoch => answer(socket, engine.epoch()),
        Call::SetEpoch(epoch) => answer(socket, engine.set_epoch(epoch)),
        Call::Annotation(name) => answer(socket, engine.annotation(name)),
        Call::SetAnnotation(name, value) => answer(socket, engine.set_annotation(name, value)),
        Call::Sync(wal_position) => answer(socket, engine.sync(wal_position)),
        Call::Checkpoint(wal_position) => answer(socket, engine.checkpoint(wal_position)),
        Call::BeginCheckpoint(wal_position) => answer(socket, engine.begin_checkpoint(wal_position)),
        Call::AdvanceCheckpoints => answer(socket, engine.advance_checkpoints()),
        Call::FinishedCheckpoints { wait } => answer(socket, engine.finished_checkpoints(wait)),
        Call::Restore(id) => answer(socket, engine.restore(id)),
        Call::ListCheckpoints => answer(socket, engine.list_checkpoints()),
        Call::WeakerPromises => answer(socket, engine.weaker_promises()),
        Call::MemoryBytes => answer(socket, Ok(engine.memory_bytes())),
        Call::HoldToDiskLimits(limits) => answer(socket, engine.hold_to_disk_limits(&limits)),
    }
}

fn sent(position: SourcePosition) -> SentPosition {
    match position {
        SourcePosition::Offset(offset) => SentPosition::Offset(offset),
        SourcePosition::Opaque(opaque) => SentPosition::Opaque(opaque.as_bytes().to_vec()),
    }
}

fn position_of(position: SentPosition) -> Result<SourcePosition, RuntimeError> {
    match position {
        SentPosition::Offset(offset) => Ok(SourcePosition::Offset(offset)),
        SentPosition::Opaque(bytes) => opaque(bytes).map(SourcePosition::Opaque),
    }
}

fn opaque(bytes: Vec<u8>) -> Result<Opaque, RuntimeError> {
    Opaque::new(bytes).map_err(|error| RuntimeError::Host(error.to_string()))
}
