//! What is asked of an engine, asked of core.

use alluvium_core::directory::{Directory, block_on};
use alluvium_core::job::JobPart;
use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::source_position::SourcePosition;
use alluvium_core::model::stop::Stop;

use super::{NativeEngine, convert, within_disk};
use crate::bindings::engine::alluvium::checkpoint::types::{Columns, NamespaceDeclaration, PackedKeys, PackedValues};
use crate::engine::{CheckpointInfo, CheckpointReport, DueTimers, Engine, Range, Recovery, Walk};
use crate::error::RuntimeError;
use crate::limits::Limits;

/// The most bytes of keys and values that a page of a walk holds after its first entry.
const PAGE_BYTES: usize = 1 << 20;

impl<D: Directory + Send + Sync + 'static> Engine for NativeEngine<D> {
    fn stop_when(&mut self, stop: Option<Stop>) {
        self.stop.clone_from(&stop);
        self.manager.stop_when(stop);
    }

    fn declare_namespace(&mut self, declaration: &NamespaceDeclaration) -> Result<u32, RuntimeError> {
        let declaration = convert::declaration(declaration)?;
        self.manager.declare_namespace(&declaration).map_err(convert::error)
    }

    fn get(&mut self, namespace: u32, key: &[u8]) -> Result<Option<Vec<u8>>, RuntimeError> {
        self.on_time(|engine| Ok(engine.manager.get_in(namespace, key)?.map(<[u8]>::to_vec)))
    }

    fn get_many(&mut self, namespace: u32, keys: &PackedKeys) -> Result<PackedValues, RuntimeError> {
        self.on_time(|engine| {
            let mut found = PackedValues { present: vec![], lens: vec![], bytes: vec![] };
            for value in engine.manager.get_many_in(namespace, &keys.lens, &keys.bytes)? {
                found.present.push(value.is_some().into());
                found.lens.push(convert::len(value.unwrap_or_default()));
                found.bytes.extend_from_slice(value.unwrap_or_default());
            }
            Ok(found)
        })
    }

    fn apply(&mut self, namespace: u32, batch: &Columns) -> Result<u64, RuntimeError> {
        self.on_time(|engine| engine.manager.apply_in(namespace, &convert::columns(batch)))
    }

    fn put(&mut self, namespace: u32, key: &[u8], value: &[u8]) -> Result<(), RuntimeError> {
        self.on_time(|engine| engine.manager.put_in(namespace, key, value))
    }

    fn delete(&mut self, namespace: u32, key: &[u8]) -> Result<bool, RuntimeError> {
        self.on_time(|engine| engine.manager.delete_in(namespace, key))
    }

    fn scan(&mut self, namespace: u32, range: &Range, reverse: bool, limit: u32) -> Result<Columns, RuntimeError> {
        let Range { from, to } = range;
        self.on_time(|engine| {
            let found = engine.manager.scan(namespace, from, to.as_deref(), reverse, limit as usize, PAGE_BYTES)?;
            Ok(convert::page(&found))
        })
    }

    fn delete_range(&mut self, namespace: u32, range: &Range) -> Result<u64, RuntimeError> {
        self.on_time(|engine| engine.manager.delete_range(namespace, &range.from, range.to.as_deref()))
    }

    fn set_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<(), RuntimeError> {
        self.on_time(|engine| engine.manager.set_timer(namespace, at_ms, key))
    }

    fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<bool, RuntimeError> {
        self.on_time(|engine| engine.manager.delete_timer(namespace, at_ms, key))
    }

    fn first_timer(&mut self, namespace: u32) -> Result<Option<i64>, RuntimeError> {
        self.manager.first_timer(namespace).map_err(convert::error)
    }

    fn take_timers(&mut self, namespace: u32, up_to_ms: i64, limit: u32) -> Result<Option<DueTimers>, RuntimeError> {
        self.on_time(|engine| {
            let taken = engine.manager.take_first_timers(namespace, up_to_ms, limit as usize)?;
            let keys = || convert::packed(taken.iter().map(|timer| &timer.key[..]));
            Ok(taken.first().map(|first| DueTimers { at_ms: first.at_ms, keys: keys() }))
        })
    }

    fn len(&mut self, namespace: u32) -> Result<u64, RuntimeError> {
        self.manager.len_in(namespace).map(|keys| keys as u64).map_err(convert::error)
    }

    fn iterate(&mut self, namespace: u32, prefix: &[u8]) -> Result<Walk, RuntimeError> {
        let walk = self.on_time(|engine| {
            let walk = engine.manager.walk_in(namespace, prefix)?;
            walk.ended().map_or(Ok(walk), Err)
        })?;
        let number = self.next_walk;
        self.next_walk += 1;
        self.walks.insert(number, walk);
        Ok(Walk(number))
    }

    fn next(&mut self, walk: Walk, limit: u32) -> Result<Columns, RuntimeError> {
        if !self.walks.contains_key(&walk.0) {
            return Err(RuntimeError::Host("the walk is over".to_owned()));
        }
        self.on_time(|engine| {
            let Self { manager, walks, .. } = engine;
            let entries = walks.get_mut(&walk.0).map(|walk| manager.next_page(walk, limit as usize, PAGE_BYTES));
            Ok(convert::page(&entries.transpose()?.unwrap_or_default()))
        })
    }

    fn end_walk(&mut self, walk: Walk) {
        self.walks.remove(&walk.0);
    }

    fn begin_batch(&mut self) -> Result<(), RuntimeError> {
        self.manager.begin_batch();
        Ok(())
    }

    fn rollback_batch(&mut self) -> Result<(), RuntimeError> {
        self.on_time(|engine| engine.manager.rollback_batch())
    }

    fn recovered(&mut self) -> Result<Option<Recovery>, RuntimeError> {
        Ok(self.manager.recovered().map(convert::recovery))
    }

    fn source_offset(&mut self, source: &str) -> Result<Option<u64>, RuntimeError> {
        Ok(self.manager.source_offsets().get(source).copied())
    }

    fn set_source_offset(&mut self, source: &str, offset: u64) -> Result<(), RuntimeError> {
        self.manager.set_source_offset(source, offset).map_err(convert::error)
    }

    fn position(&mut self, source: &str, partition: &str) -> Result<Option<SourcePosition>, RuntimeError> {
        let partitions = self.manager.position().positions.get(source);
        Ok(partitions.and_then(|partitions| partitions.get(partition)).cloned())
    }

    fn set_position(&mut self, source: &str, partition: &str, position: &SourcePosition) -> Result<(), RuntimeError> {
        self.manager.set_position(source, partition, position.clone());
        Ok(())
    }

    fn sink_token(&mut self, sink: &str) -> Result<Option<Opaque>, RuntimeError> {
        Ok(self.manager.position().sinks.get(sink).cloned())
    }

    fn set_sink_token(&mut self, sink: &str, token: &Opaque) -> Result<(), RuntimeError> {
        self.manager.set_sink_token(sink, token.as_bytes()).map_err(convert::error)
    }

    fn partition_watermark(&mut self, input: &str, partition: &str) -> Result<Option<i64>, RuntimeError> {
        let partitions = self.manager.position().watermarks.get(input);
        Ok(partitions.and_then(|partitions| partitions.get(partition)).copied())
    }

    fn set_partition_watermark(&mut self, input: &str, partition: &str, watermark_ms: i64) -> Result<(), RuntimeError> {
        self.manager.set_partition_watermark(input, partition, watermark_ms);
        Ok(())
    }

    fn processing_time(&mut self) -> Result<Option<i64>, RuntimeError> {
        Ok(self.manager.position().processing_time_ms)
    }

    fn set_processing_time(&mut self, time_ms: i64) -> Result<(), RuntimeError> {
        self.manager.set_processing_time(time_ms);
        Ok(())
    }

    fn watermark(&mut self) -> Result<Option<i64>, RuntimeError> {
        Ok(self.manager.watermark())
    }

    fn set_watermark(&mut self, watermark_ms: i64) -> Result<(), RuntimeError> {
        self.manager.set_watermark(watermark_ms);
        Ok(())
    }

    fn epoch(&mut self) -> Result<u64, RuntimeError> {
        Ok(self.manager.epoch())
    }

    fn set_epoch(&mut self, epoch: u64) -> Result<(), RuntimeError> {
        self.manager.set_epoch(epoch).map_err(convert::error)
    }

    fn annotation(&mut self, name: &str) -> Result<Option<String>, RuntimeError> {
        Ok(self.manager.annotations().get(name).cloned())
    }

    fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), RuntimeError> {
        self.manager.set_annotation(name, value);
        Ok(())
    }

    fn sync(&mut self, wal_position: u64) -> Result<(), RuntimeError> {
        self.settle(true)?;
        within_disk(&self.directory, block_on(self.manager.sync(wal_position)))
    }

    fn checkpoint(&mut self, wal_position: u64) -> Result<CheckpointReport, RuntimeError> {
        self.settle(true)?;
        let metadata = within_disk(&self.directory, block_on(self.manager.create_checkpoint(wal_position)))?;
        let statistics = self.manager.last_statistics().copied().unwrap_or_default();
        let maintenance = self.manager.last_maintenance().cloned().unwrap_or_default();
        Ok(convert::report(&metadata, &statistics, maintenance))
    }

    fn begin_checkpoint(&mut self, wal_position: u64) -> Result<(), RuntimeError> {
        let writer = self.writer.get_or_insert_with(alluvium::background::BackgroundWriter::start);
        writer.checkpoint(&mut self.manager, wal_position).map(drop).map_err(convert::error)
    }

    fn finished_checkpoints(&mut self, wait: bool) -> Result<Vec<CheckpointReport>, RuntimeError> {
        self.settle(wait)?;
        Ok(std::mem::take(&mut self.finished))
    }

    fn digest(&mut self) -> Option<u64> {
        Some(self.manager.digest())
    }

    fn take_parts(&mut self) -> Vec<JobPart> {
        self.parts.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn restore(&mut self, id: u64) -> Result<CheckpointInfo, RuntimeError> {
        self.settle(true)?;
        let restored = within_disk(&self.directory, block_on(self.manager.restore_checkpoint(id)))?;
        Ok(convert::info(&restored))
    }

    fn list_checkpoints(&mut self) -> Result<Vec<CheckpointInfo>, RuntimeError> {
        let listed = block_on(self.manager.list_checkpoints()).map_err(convert::error)?;
        Ok(listed.iter().map(convert::info).collect())
    }

    fn weaker_promises(&mut self) -> Result<Vec<String>, RuntimeError> {
        Ok(self.weaker_promises.clone())
    }

    fn memory_bytes(&self) -> usize {
        let memory = self.manager.memory();
        usize::try_from(memory.state_bytes + memory.changelog_bytes).unwrap_or(usize::MAX)
    }

    fn hold_to_disk_limits(&mut self, limits: &Limits) -> Result<(), RuntimeError> {
        self.directory.hold_to(limits);
        Ok(())
    }

    fn disk_bytes(&mut self) -> Result<u64, RuntimeError> {
        Ok(block_on(self.directory.used())?.bytes)
    }
}
