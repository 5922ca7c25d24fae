//! What is asked of an engine, asked of the component.

use alluvium_core::model::opaque::Opaque;
use alluvium_core::model::source_position::SourcePosition;
use alluvium_core::model::stop::Stop;

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, NamespaceDeclaration, PackedKeys, PackedValues};
use crate::disk::{DiskBudget, DiskUse};
use crate::engine::{
    CheckpointInfo, CheckpointReport, ComponentEngine, DueTimers, Engine, Range, Recovery, Walk, position,
};
use crate::error::RuntimeError;
use crate::limits::Limits;
use crate::wasi;

impl Engine for ComponentEngine {
    fn stop_when(&mut self, stop: Option<Stop>) {
        self.guest().stop = stop;
    }

    fn declare_namespace(&mut self, declaration: &NamespaceDeclaration) -> Result<u32, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_declare_namespace(store, manager, declaration))??)
    }

    fn get(&mut self, namespace: u32, key: &[u8]) -> Result<Option<Vec<u8>>, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_get(store, manager, namespace, key))??)
    }

    fn get_many(&mut self, namespace: u32, keys: &PackedKeys) -> Result<PackedValues, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_get_many(store, manager, namespace, keys))??)
    }

    fn apply(&mut self, namespace: u32, batch: &Columns) -> Result<u64, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_apply(store, manager, namespace, batch))??)
    }

    fn put(&mut self, namespace: u32, key: &[u8], value: &[u8]) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_put(store, manager, namespace, key, value))??)
    }

    fn delete(&mut self, namespace: u32, key: &[u8]) -> Result<bool, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_delete(store, manager, namespace, key))??)
    }

    fn scan(&mut self, namespace: u32, range: &Range, reverse: bool, limit: u32) -> Result<Columns, RuntimeError> {
        let Range { from, to } = range;
        Ok(self.on_manager(|guest, store, manager| {
            guest.call_scan(store, manager, namespace, from, to.as_deref(), reverse, limit)
        })??)
    }

    fn delete_range(&mut self, namespace: u32, range: &Range) -> Result<u64, RuntimeError> {
        let Range { from, to } = range;
        Ok(self.on_manager(|guest, store, manager| {
            guest.call_delete_range(store, manager, namespace, from, to.as_deref())
        })??)
    }

    fn set_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_set_timer(store, manager, namespace, at_ms, key))??)
    }

    fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<bool, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_delete_timer(store, manager, namespace, at_ms, key))??)
    }

    fn first_timer(&mut self, namespace: u32) -> Result<Option<i64>, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_first_timer(store, manager, namespace))??)
    }

    fn take_timers(&mut self, namespace: u32, up_to_ms: i64, limit: u32) -> Result<Option<DueTimers>, RuntimeError> {
        Ok(self
            .on_manager(|guest, store, manager| guest.call_take_timers(store, manager, namespace, up_to_ms, limit))??)
    }

    fn len(&mut self, namespace: u32) -> Result<u64, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_len(store, manager, namespace))??)
    }

    fn iterate(&mut self, namespace: u32, prefix: &[u8]) -> Result<Walk, RuntimeError> {
        let cursor =
            self.on_manager(|guest, store, manager| guest.call_iterate(store, manager, namespace, prefix))??;
        let walk = self.next_walk;
        self.next_walk += 1;
        self.walks.insert(walk, cursor);
        Ok(Walk(walk))
    }

    fn next(&mut self, walk: Walk, limit: u32) -> Result<Columns, RuntimeError> {
        let over = || RuntimeError::Host("the walk is over".to_owned());
        let cursor = *self.walks.get(&walk.0).ok_or_else(over)?;
        Ok(self.on_state(|state, store| state.cursor().call_next(store, cursor, limit))??)
    }

    fn end_walk(&mut self, walk: Walk) {
        if let Some(cursor) = self.walks.remove(&walk.0) {
            // A cursor of a dead engine is gone already.
            let _ = self.enter(|store| cursor.resource_drop(store));
        }
    }

    fn begin_batch(&mut self) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_begin_batch(store, manager))
    }

    fn rollback_batch(&mut self) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_rollback_batch(store, manager))??)
    }

    fn recovered(&mut self) -> Result<Option<Recovery>, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_recovered(store, manager))
    }

    fn source_offset(&mut self, source: &str) -> Result<Option<u64>, RuntimeError> {
        let offsets = self.on_manager(|guest, store, manager| guest.call_source_offsets(store, manager))?;
        Ok(offsets.into_iter().find(|known| known.source == source).map(|known| known.offset))
    }

    fn set_source_offset(&mut self, source: &str, offset: u64) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_set_source_offset(store, manager, source, offset))??)
    }

    fn position(&mut self, source: &str, partition: &str) -> Result<Option<SourcePosition>, RuntimeError> {
        let positions = self.on_manager(|guest, store, manager| guest.call_positions(store, manager))?;
        let known = positions.into_iter().find(|known| known.source == source && known.partition == partition);
        known.map(|known| position::of_wit(known.position)).transpose()
    }

    fn set_position(&mut self, source: &str, partition: &str, position: &SourcePosition) -> Result<(), RuntimeError> {
        let position = position::to_wit(position);
        Ok(self.on_manager(|guest, store, manager| {
            guest.call_set_position(store, manager, source, partition, &position)
        })??)
    }

    fn sink_token(&mut self, sink: &str) -> Result<Option<Opaque>, RuntimeError> {
        let tokens = self.on_manager(|guest, store, manager| guest.call_sink_tokens(store, manager))?;
        tokens.into_iter().find(|known| known.sink == sink).map(|known| position::opaque(known.token)).transpose()
    }

    fn set_sink_token(&mut self, sink: &str, token: &Opaque) -> Result<(), RuntimeError> {
        let token = token.as_bytes();
        Ok(self.on_manager(|guest, store, manager| guest.call_set_sink_token(store, manager, sink, token))??)
    }

    fn partition_watermark(&mut self, input: &str, partition: &str) -> Result<Option<i64>, RuntimeError> {
        let watermarks = self.on_manager(|guest, store, manager| guest.call_partition_watermarks(store, manager))?;
        let known = watermarks.into_iter().find(|known| known.input == input && known.partition == partition);
        Ok(known.map(|known| known.watermark_ms))
    }

    fn set_partition_watermark(&mut self, input: &str, partition: &str, watermark_ms: i64) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| {
            guest.call_set_partition_watermark(store, manager, input, partition, watermark_ms)
        })
    }

    fn processing_time(&mut self) -> Result<Option<i64>, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_processing_time(store, manager))
    }

    fn set_processing_time(&mut self, time_ms: i64) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_set_processing_time(store, manager, time_ms))
    }

    fn watermark(&mut self) -> Result<Option<i64>, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_watermark(store, manager))
    }

    fn set_watermark(&mut self, watermark_ms: i64) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_set_watermark(store, manager, watermark_ms))
    }

    fn epoch(&mut self) -> Result<u64, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_epoch(store, manager))
    }

    fn set_epoch(&mut self, epoch: u64) -> Result<(), RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_set_epoch(store, manager, epoch))??)
    }

    fn annotation(&mut self, name: &str) -> Result<Option<String>, RuntimeError> {
        let annotations = self.on_manager(|guest, store, manager| guest.call_annotations(store, manager))?;
        Ok(annotations.into_iter().find(|known| known.name == name).map(|known| known.value))
    }

    fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_set_annotation(store, manager, name, value))
    }

    fn sync(&mut self, wal_position: u64) -> Result<(), RuntimeError> {
        let synced = self.on_manager(|guest, store, manager| guest.call_sync(store, manager, wal_position))?;
        self.within_disk(synced)
    }

    fn checkpoint(&mut self, wal_position: u64) -> Result<CheckpointReport, RuntimeError> {
        let taken = self.on_manager(|guest, store, manager| guest.call_checkpoint(store, manager, wal_position))?;
        self.within_disk(taken)
    }

    fn begin_checkpoint(&mut self, wal_position: u64) -> Result<(), RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_begin_checkpoint(store, manager, wal_position))??;
        self.in_flight += 1;
        Ok(())
    }

    fn advance_checkpoints(&mut self) -> Result<(), RuntimeError> {
        self.advance(false)
    }

    fn finished_checkpoints(&mut self, wait: bool) -> Result<Vec<CheckpointReport>, RuntimeError> {
        self.advance(wait)?;
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut self.finished)),
        }
    }

    fn restore(&mut self, id: u64) -> Result<CheckpointInfo, RuntimeError> {
        let restored = self.on_manager(|guest, store, manager| guest.call_restore(store, manager, id))?;
        self.within_disk(restored)
    }

    fn list_checkpoints(&mut self) -> Result<Vec<CheckpointInfo>, RuntimeError> {
        Ok(self.on_manager(|guest, store, manager| guest.call_list_checkpoints(store, manager))??)
    }

    fn weaker_promises(&mut self) -> Result<Vec<String>, RuntimeError> {
        self.on_manager(|guest, store, manager| guest.call_weaker_promises(store, manager))
    }

    fn memory_bytes(&self) -> usize {
        self.stored().budget.memory_bytes()
    }

    fn hold_to_disk_limits(&mut self, limits: &Limits) -> Result<(), RuntimeError> {
        let used = DiskUse::of(&wasi::place(&self.directory))?;
        self.guest().disk = DiskBudget::beside(used, limits);
        Ok(())
    }

    fn disk_bytes(&mut self) -> Result<u64, RuntimeError> {
        Ok(DiskUse::of(&wasi::place(&self.directory))?.bytes)
    }
}
