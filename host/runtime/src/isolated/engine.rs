//! An engine in a worker, asked from its host.

use std::borrow::Cow;

use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::source_position::SourcePosition;
use alluvium_core::model::stop::Stop;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, NamespaceDeclaration, PackedKeys, PackedValues};
use crate::deadline;
use crate::disk::DiskUse;
use crate::engine::{CheckpointInfo, CheckpointReport, DueTimers, Engine, Range, Recovery, Walk};
use crate::error::RuntimeError;
use crate::isolated::answers;
use crate::isolated::budget::Size;
use crate::isolated::message::{EngineCall, Question, SentPosition};
use crate::isolated::records::SentRecords;
use crate::isolated::values::{SentPage, SentValues};
use crate::isolated::worker::{Room, SharedWorker, lock};
use crate::limits::{Limit, Limits};
use crate::wasi;

/// A report, or a list of them.
pub(super) const REPORT: Size = Size { bytes: 8 << 20, list_bytes: 8 << 20 };

/// The engine of a worker.
///
/// What it says about the disk is counted here, since a worker may be anybody's.
pub(super) struct RemoteEngine {
    worker: SharedWorker,
    /// How many checkpoints were begun and not told as finished.
    in_flight: usize,
    /// Says when the call is over that this engine works for.
    stop: Option<Stop>,
}

impl RemoteEngine {
    pub(super) fn of(worker: SharedWorker) -> Self {
        Self { worker, in_flight: 0, stop: None }
    }

    fn ask<T: DeserializeOwned>(&self, call: EngineCall<'_>, size: Size) -> Result<T, RuntimeError> {
        let stop = self.stop.as_ref();
        if stop.is_some_and(Stop::must_end) {
            return Err(deadline::past());
        }
        let mut worker = lock(&self.worker);
        let room = Room { time: worker.limits.engine_call, size, stop };
        worker.ask(&Question::Engine(call), room)
    }

    /// Asks for a number or a text.
    fn short<T: DeserializeOwned>(&self, call: EngineCall<'_>) -> Result<T, RuntimeError> {
        self.ask(call, Size::SHORT)
    }

    /// Asks for what is about checkpoints.
    fn report<T: DeserializeOwned>(&self, call: EngineCall<'_>) -> Result<T, RuntimeError> {
        self.ask(call, REPORT)
    }

    /// Asks for what is in the state, and reads it.
    fn values<T: DeserializeOwned, R>(
        &self,
        call: EngineCall<'_>,
        read: impl FnOnce(T) -> Result<R, String>,
    ) -> Result<R, RuntimeError> {
        let size = Size::SHORT.with(lock(&self.worker).limits.call_bytes);
        read(self.ask(call, size)?).map_err(|what| lock(&self.worker).lied(what))
    }

    fn opaque(&self, bytes: Vec<u8>) -> Result<Opaque, RuntimeError> {
        Opaque::new(bytes).map_err(|error| lock(&self.worker).lied(format!("a token that is none: {error}")))
    }

    /// Counts the files of the directory, as far as the limits allow.
    fn used(&self, limits: &Limits) -> Result<DiskUse, RuntimeError> {
        let mut worker = lock(&self.worker);
        let used = DiskUse::within(&wasi::place(&worker.directory), limits)?;
        for (has, may, limit, what) in [
            (used.bytes, limits.disk_bytes, Limit::DiskBytes, "bytes"),
            (used.files, limits.disk_files, Limit::DiskFiles, "files"),
        ] {
            if has > may {
                let why = format!("its files are more than {may} {what}");
                return Err(worker.over(limit, why));
            }
        }
        Ok(used)
    }
}

impl Engine for RemoteEngine {
    /// The plugin is in the worker as well, and its calls are held to their deadlines there. What is asked from here
    /// ends with the worker, which need not be believed to stop.
    fn stop_when(&mut self, stop: Option<Stop>) {
        self.stop = stop;
    }

    fn declare_namespace(&mut self, declaration: &NamespaceDeclaration) -> Result<u32, RuntimeError> {
        self.short(EngineCall::DeclareNamespace(Cow::Borrowed(declaration)))
    }

    fn get(&mut self, namespace: u32, key: &[u8]) -> Result<Option<Vec<u8>>, RuntimeError> {
        self.values(EngineCall::Get(namespace, key.into()), |value: Option<ByteBuf>| Ok(value.map(ByteBuf::into_vec)))
    }

    fn get_many(&mut self, namespace: u32, keys: &PackedKeys) -> Result<PackedValues, RuntimeError> {
        self.values(EngineCall::GetMany(namespace, Cow::Borrowed(keys)), |values: SentValues| values.of(keys))
    }

    fn apply(&mut self, namespace: u32, batch: &Columns) -> Result<u64, RuntimeError> {
        self.short(EngineCall::Apply(namespace, Cow::Borrowed(batch)))
    }

    fn put(&mut self, namespace: u32, key: &[u8], value: &[u8]) -> Result<(), RuntimeError> {
        self.short(EngineCall::Put(namespace, key.into(), value.into()))
    }

    fn delete(&mut self, namespace: u32, key: &[u8]) -> Result<bool, RuntimeError> {
        self.short(EngineCall::Delete(namespace, key.into()))
    }

    fn scan(&mut self, namespace: u32, range: &Range, reverse: bool, limit: u32) -> Result<Columns, RuntimeError> {
        let call = EngineCall::Scan { namespace, range: Cow::Borrowed(range), reverse, limit };
        self.values(call, |page: SentPage| page.of(limit))
    }

    fn delete_range(&mut self, namespace: u32, range: &Range) -> Result<u64, RuntimeError> {
        self.short(EngineCall::DeleteRange(namespace, Cow::Borrowed(range)))
    }

    fn set_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<(), RuntimeError> {
        self.short(EngineCall::SetTimer(namespace, at_ms, key.into()))
    }

    fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<bool, RuntimeError> {
        self.short(EngineCall::DeleteTimer(namespace, at_ms, key.into()))
    }

    fn first_timer(&mut self, namespace: u32) -> Result<Option<i64>, RuntimeError> {
        self.short(EngineCall::FirstTimer(namespace))
    }

    fn take_timers(&mut self, namespace: u32, up_to_ms: i64, limit: u32) -> Result<Option<DueTimers>, RuntimeError> {
        self.values(EngineCall::TakeTimers { namespace, up_to_ms, limit }, |due: Option<(i64, SentRecords)>| {
            let read = |(at_ms, keys): (i64, SentRecords)| Ok(DueTimers { at_ms, keys: keys.keys(limit)? });
            due.map(read).transpose()
        })
    }

    fn len(&mut self, namespace: u32) -> Result<u64, RuntimeError> {
        self.short(EngineCall::Len(namespace))
    }

    fn iterate(&mut self, namespace: u32, prefix: &[u8]) -> Result<Walk, RuntimeError> {
        self.short(EngineCall::Iterate(namespace, prefix.into())).map(Walk)
    }

    fn next(&mut self, walk: Walk, limit: u32) -> Result<Columns, RuntimeError> {
        self.values(EngineCall::Next { walk: walk.0, limit }, |page: SentPage| page.of(limit))
    }

    fn end_walk(&mut self, walk: Walk) {
        // A walk of a worker that is gone is gone already.
        let _ = self.short::<()>(EngineCall::EndWalk(walk.0));
    }

    fn begin_batch(&mut self) -> Result<(), RuntimeError> {
        self.short(EngineCall::BeginBatch)
    }

    fn rollback_batch(&mut self) -> Result<(), RuntimeError> {
        self.short(EngineCall::RollbackBatch)
    }

    fn recovered(&mut self) -> Result<Option<Recovery>, RuntimeError> {
        let recovered: Option<Recovery> = self.report(EngineCall::Recovered)?;
        Ok(recovered.map(answers::recovery))
    }

    fn source_offset(&mut self, source: &str) -> Result<Option<u64>, RuntimeError> {
        self.short(EngineCall::SourceOffset(source))
    }

    fn set_source_offset(&mut self, source: &str, offset: u64) -> Result<(), RuntimeError> {
        self.short(EngineCall::SetSourceOffset(source, offset))
    }

    fn position(&mut self, source: &str, partition: &str) -> Result<Option<SourcePosition>, RuntimeError> {
        match self.report(EngineCall::Position(source, partition))? {
            None => Ok(None),
            Some(SentPosition::Offset(offset)) => Ok(Some(SourcePosition::Offset(offset))),
            Some(SentPosition::Opaque(bytes)) => self.opaque(bytes).map(|opaque| Some(SourcePosition::Opaque(opaque))),
        }
    }

    fn set_position(&mut self, source: &str, partition: &str, position: &SourcePosition) -> Result<(), RuntimeError> {
        let position = match position {
            SourcePosition::Offset(offset) => SentPosition::Offset(*offset),
            SourcePosition::Opaque(opaque) => SentPosition::Opaque(opaque.as_bytes().to_vec()),
        };
        self.short(EngineCall::SetPosition(source, partition, position))
    }

    fn sink_token(&mut self, sink: &str) -> Result<Option<Opaque>, RuntimeError> {
        let token: Option<Vec<u8>> = self.report(EngineCall::SinkToken(sink))?;
        token.map(|bytes| self.opaque(bytes)).transpose()
    }

    fn set_sink_token(&mut self, sink: &str, token: &Opaque) -> Result<(), RuntimeError> {
        self.short(EngineCall::SetSinkToken(sink, token.as_bytes().to_vec()))
    }

    fn partition_watermark(&mut self, input: &str, partition: &str) -> Result<Option<i64>, RuntimeError> {
        self.short(EngineCall::PartitionWatermark(input, partition))
    }

    fn set_partition_watermark(&mut self, input: &str, partition: &str, watermark_ms: i64) -> Result<(), RuntimeError> {
        self.short(EngineCall::SetPartitionWatermark(input, partition, watermark_ms))
    }

    fn processing_time(&mut self) -> Result<Option<i64>, RuntimeError> {
        self.short(EngineCall::ProcessingTime)
    }

    fn set_processing_time(&mut self, time_ms: i64) -> Result<(), RuntimeError> {
        self.short(EngineCall::SetProcessingTime(time_ms))
    }

    fn watermark(&mut self) -> Result<Option<i64>, RuntimeError> {
        self.short(EngineCall::Watermark)
    }

    fn set_watermark(&mut self, watermark_ms: i64) -> Result<(), RuntimeError> {
        self.short(EngineCall::SetWatermark(watermark_ms))
    }

    fn epoch(&mut self) -> Result<u64, RuntimeError> {
        self.short(EngineCall::Epoch)
    }

    fn set_epoch(&mut self, epoch: u64) -> Result<(), RuntimeError> {
        self.short(EngineCall::SetEpoch(epoch))
    }

    fn annotation(&mut self, name: &str) -> Result<Option<String>, RuntimeError> {
        self.report(EngineCall::Annotation(name))
    }

    fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), RuntimeError> {
        self.short(EngineCall::SetAnnotation(name, value))
    }

    fn sync(&mut self, wal_position: u64) -> Result<(), RuntimeError> {
        self.short(EngineCall::Sync(wal_position))
    }

    fn checkpoint(&mut self, wal_position: u64) -> Result<CheckpointReport, RuntimeError> {
        self.report(EngineCall::Checkpoint(wal_position))
    }

    fn begin_checkpoint(&mut self, wal_position: u64) -> Result<(), RuntimeError> {
        self.short::<()>(EngineCall::BeginCheckpoint(wal_position))?;
        self.in_flight = self.in_flight.saturating_add(1);
        Ok(())
    }

    fn advance_checkpoints(&mut self) -> Result<(), RuntimeError> {
        if self.in_flight == 0 {
            return Ok(());
        }
        self.short(EngineCall::AdvanceCheckpoints)
    }

    fn finished_checkpoints(&mut self, wait: bool) -> Result<Vec<CheckpointReport>, RuntimeError> {
        let finished: Result<Vec<CheckpointReport>, _> = self.report(EngineCall::FinishedCheckpoints { wait });
        // Those after one that failed have failed with it.
        self.in_flight = finished.as_ref().map_or(0, |finished| self.in_flight.saturating_sub(finished.len()));
        finished
    }

    fn restore(&mut self, id: u64) -> Result<CheckpointInfo, RuntimeError> {
        self.report(EngineCall::Restore(id))
    }

    fn list_checkpoints(&mut self) -> Result<Vec<CheckpointInfo>, RuntimeError> {
        self.report(EngineCall::ListCheckpoints)
    }

    fn weaker_promises(&mut self) -> Result<Vec<String>, RuntimeError> {
        self.short(EngineCall::WeakerPromises)
    }

    fn memory_bytes(&self) -> usize {
        self.short(EngineCall::MemoryBytes).unwrap_or(0)
    }

    fn hold_to_disk_limits(&mut self, limits: &Limits) -> Result<(), RuntimeError> {
        self.used(limits)?;
        self.short(EngineCall::HoldToDiskLimits(*limits))
    }

    fn disk_bytes(&mut self) -> Result<u64, RuntimeError> {
        let limits = lock(&self.worker).limits;
        Ok(self.used(&limits)?.bytes)
    }
}
