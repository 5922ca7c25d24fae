//! What is asked of an engine, asked of the component.

use crate::bindings::engine::alluvium::checkpoint::types::{Columns, NamespaceDeclaration, PackedKeys, PackedValues};
use crate::disk::{DiskBudget, DiskUse};
use crate::engine::{CheckpointInfo, CheckpointReport, ComponentEngine, Engine, Recovery, Walk};
use crate::error::RuntimeError;
use crate::limits::Limits;

impl Engine for ComponentEngine {
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

    fn hold_to_disk_limits(&mut self, limits: &Limits) -> Result<u64, RuntimeError> {
        let used = DiskUse::of(self.directory.path())?;
        self.guest().disk = DiskBudget::beside(used, limits);
        Ok(used.bytes)
    }

    fn disk_bytes(&mut self) -> Result<u64, RuntimeError> {
        Ok(DiskUse::of(self.directory.path())?.bytes)
    }
}
