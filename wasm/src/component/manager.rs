//! Implements the interface `checkpoints` with core's manager on the preopened directory.

use alluvium_core::directory::block_on;
use alluvium_core::{archive, gc};

use super::bindings::alluvium::checkpoint::types::{Columns, Error, NamespaceDeclaration, PackedKeys, PackedValues};
use super::bindings::exports::alluvium::checkpoint::{checkpoints as wit, state};
use super::cursor::{Cursor, PAGE_BYTES};
use super::open_manager::{OpenManager, open};
use super::opening::{config, directory, how_to_open};
use super::{Engine, convert, namespaces, positions};

impl wit::Guest for Engine {
    type Manager = OpenManager;
}

impl wit::GuestManager for OpenManager {
    fn open(options: wit::OpenOptions) -> Result<wit::Manager, Error> {
        open(directory(&options)?, &options)
    }

    fn import_checkpoint(archive: Vec<u8>, options: wit::OpenOptions) -> Result<wit::Manager, Error> {
        let directory = directory(&options)?;
        let imported = archive::import(&archive, directory.clone(), config(&options), how_to_open(&options)?);
        block_on(imported).map_err(convert::error)?;
        drop(archive);
        open(directory, &options)
    }

    fn recovered(&self) -> Option<wit::Recovery> {
        self.0.manager.borrow().recovered().map(convert::recovery)
    }

    fn weaker_promises(&self) -> Vec<String> {
        self.0.manager.borrow().directory().weaker_promises()
    }

    fn declare_namespace(&self, declaration: NamespaceDeclaration) -> Result<u32, Error> {
        let declaration = namespaces::declaration(declaration)?;
        self.0.manager.borrow_mut().declare_namespace(&declaration).map_err(convert::error)
    }

    fn put(&self, namespace: u32, key: Vec<u8>, value: Vec<u8>) -> Result<(), Error> {
        self.0.manager.borrow_mut().put_in(namespace, &key, &value).map_err(convert::error)
    }

    fn delete(&self, namespace: u32, key: Vec<u8>) -> Result<bool, Error> {
        self.0.manager.borrow_mut().delete_in(namespace, &key).map_err(convert::error)
    }

    fn get(&self, namespace: u32, key: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        let manager = self.0.manager.borrow();
        let value = manager.get_in(namespace, &key).map_err(convert::error)?;
        Ok(value.map(<[u8]>::to_vec))
    }

    fn get_many(&self, namespace: u32, keys: PackedKeys) -> Result<PackedValues, Error> {
        convert::get_many(&self.0.manager.borrow(), namespace, &keys)
    }

    fn apply(&self, namespace: u32, batch: Columns) -> Result<u64, Error> {
        self.0.manager.borrow_mut().apply_in(namespace, &convert::columns(&batch)).map_err(convert::error)
    }

    fn begin_batch(&self) {
        self.0.manager.borrow_mut().begin_batch();
    }

    fn commit_batch(&self) {
        self.0.manager.borrow_mut().commit_batch();
    }

    fn rollback_batch(&self) -> Result<(), Error> {
        self.0.manager.borrow_mut().rollback_batch().map_err(convert::error)
    }

    fn scan(
        &self,
        namespace: u32,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
        reverse: bool,
        limit: u32,
    ) -> Result<Columns, Error> {
        let manager = self.0.manager.borrow();
        let found = manager.scan(namespace, &from, to.as_deref(), reverse, limit as usize, PAGE_BYTES);
        found.map(|entries| convert::page(&entries)).map_err(convert::error)
    }

    fn delete_range(&self, namespace: u32, from: Vec<u8>, to: Option<Vec<u8>>) -> Result<u64, Error> {
        self.0.manager.borrow_mut().delete_range(namespace, &from, to.as_deref()).map_err(convert::error)
    }

    fn set_timer(&self, namespace: u32, at_ms: i64, key: Vec<u8>) -> Result<(), Error> {
        self.0.manager.borrow_mut().set_timer(namespace, at_ms, &key).map_err(convert::error)
    }

    fn delete_timer(&self, namespace: u32, at_ms: i64, key: Vec<u8>) -> Result<bool, Error> {
        self.0.manager.borrow_mut().delete_timer(namespace, at_ms, &key).map_err(convert::error)
    }

    fn first_timer(&self, namespace: u32) -> Result<Option<i64>, Error> {
        self.0.manager.borrow().first_timer(namespace).map_err(convert::error)
    }

    fn take_timers(&self, namespace: u32, up_to_ms: i64, limit: u32) -> Result<Option<wit::DueTimers>, Error> {
        let mut manager = self.0.manager.borrow_mut();
        let taken = manager.take_first_timers(namespace, up_to_ms, limit as usize).map_err(convert::error)?;
        let keys = || convert::packed(taken.iter().map(|timer| &timer.key[..]));
        Ok(taken.first().map(|first| wit::DueTimers { at_ms: first.at_ms, keys: keys() }))
    }

    fn len(&self, namespace: u32) -> Result<u64, Error> {
        self.0.manager.borrow().len_in(namespace).map(|keys| keys as u64).map_err(convert::error)
    }

    fn iterate(&self, namespace: u32, prefix: Vec<u8>) -> Result<state::Cursor, Error> {
        Ok(state::Cursor::new(Cursor::new(&self.0, namespace, &prefix)?))
    }

    fn set_epoch(&self, epoch: u64) -> Result<(), Error> {
        self.0.manager.borrow_mut().set_epoch(epoch).map_err(convert::error)
    }

    fn epoch(&self) -> u64 {
        self.0.manager.borrow().epoch()
    }

    fn set_source_offset(&self, source: String, offset: u64) -> Result<(), Error> {
        self.0.manager.borrow_mut().set_source_offset(source, offset).map_err(convert::error)
    }

    fn source_offsets(&self) -> Vec<wit::SourceOffset> {
        positions::offsets(self.0.manager.borrow().source_offsets())
    }

    fn set_position(&self, source: String, partition: String, position: wit::Position) -> Result<(), Error> {
        let position = positions::position(position)?;
        self.0.manager.borrow_mut().set_position(source, partition, position);
        Ok(())
    }

    fn positions(&self) -> Vec<wit::SourcePosition> {
        positions::positions(&self.0.manager.borrow().position().positions)
    }

    fn set_watermark(&self, watermark_ms: i64) {
        self.0.manager.borrow_mut().set_watermark(watermark_ms);
    }

    fn watermark(&self) -> Option<i64> {
        self.0.manager.borrow().watermark()
    }

    fn set_partition_watermark(&self, input: String, partition: String, watermark_ms: i64) {
        self.0.manager.borrow_mut().set_partition_watermark(input, partition, watermark_ms);
    }

    fn partition_watermarks(&self) -> Vec<wit::PartitionWatermark> {
        positions::watermarks(&self.0.manager.borrow().position().watermarks)
    }

    fn set_processing_time(&self, time_ms: i64) {
        self.0.manager.borrow_mut().set_processing_time(time_ms);
    }

    fn processing_time(&self) -> Option<i64> {
        self.0.manager.borrow().position().processing_time_ms
    }

    fn set_sink_token(&self, sink: String, token: Vec<u8>) -> Result<(), Error> {
        self.0.manager.borrow_mut().set_sink_token(sink, token).map_err(convert::error)
    }

    fn sink_tokens(&self) -> Vec<wit::SinkToken> {
        positions::tokens(&self.0.manager.borrow().position().sinks)
    }

    fn set_annotation(&self, name: String, value: String) {
        self.0.manager.borrow_mut().set_annotation(name, value);
    }

    fn annotations(&self) -> Vec<wit::Annotation> {
        convert::annotations(self.0.manager.borrow().annotations())
    }

    fn wal_position(&self) -> u64 {
        self.0.manager.borrow().wal_position()
    }

    fn should_checkpoint(&self) -> bool {
        self.0.manager.borrow().should_checkpoint()
    }

    fn begin_checkpoint(&self, wal_position: u64) -> Result<(), Error> {
        let prepared = self.0.manager.borrow_mut().prepare_checkpoint(wal_position).map_err(convert::error)?;
        self.0.in_flight.borrow_mut().begin(prepared);
        Ok(())
    }

    fn advance_checkpoints(&self, to_the_end: bool) -> Result<Vec<wit::CheckpointReport>, Error> {
        let mut in_flight = self.0.in_flight.borrow_mut();
        in_flight.advance(&mut self.0.manager.borrow_mut(), to_the_end);
        in_flight.take()
    }

    fn checkpoint(&self, wal_position: u64) -> Result<wit::CheckpointReport, Error> {
        self.settle();
        let mut manager = self.0.manager.borrow_mut();
        let metadata = block_on(manager.create_checkpoint(wal_position)).map_err(convert::error)?;
        let statistics = manager.last_statistics().copied().unwrap_or_default();
        let maintenance = manager.last_maintenance().cloned().unwrap_or_default();
        Ok(convert::report(&metadata, &statistics, maintenance))
    }

    fn sync(&self, wal_position: u64) -> Result<(), Error> {
        self.settle();
        block_on(self.0.manager.borrow_mut().sync(wal_position)).map_err(convert::error)
    }

    fn wal_size(&self) -> u64 {
        self.0.manager.borrow().wal_size()
    }

    fn list_checkpoints(&self) -> Result<Vec<wit::CheckpointInfo>, Error> {
        let listed = block_on(self.0.manager.borrow().list_checkpoints()).map_err(convert::error)?;
        Ok(listed.iter().map(convert::info).collect())
    }

    fn latest(&self) -> Result<Option<wit::CheckpointInfo>, Error> {
        let latest = block_on(self.0.manager.borrow().find_latest_checkpoint()).map_err(convert::error)?;
        Ok(latest.as_ref().map(convert::info))
    }

    fn restore(&self, id: u64) -> Result<wit::CheckpointInfo, Error> {
        self.settle();
        let restored = block_on(self.0.manager.borrow_mut().restore_checkpoint(id)).map_err(convert::error)?;
        Ok(convert::info(&restored))
    }

    fn retain(&self, count: u32) -> Result<wit::MaintenanceReport, Error> {
        self.maintained(|manager| block_on(manager.cleanup_old_checkpoints_keep(count as usize)))
    }

    fn delete_checkpoint(&self, id: u64) -> Result<wit::MaintenanceReport, Error> {
        self.maintained(|manager| block_on(manager.delete_checkpoint(id)))
    }

    fn collect_garbage(&self, dry_run: bool) -> Result<wit::GarbageReport, Error> {
        self.settle();
        let mut manager = self.0.manager.borrow_mut();
        let report = if dry_run {
            block_on(gc::plan(&**manager.directory(), None))
        } else {
            block_on(manager.collect_garbage())
        };
        report.map(convert::garbage).map_err(convert::error)
    }

    fn verify(&self) -> Result<wit::VerifyReport, Error> {
        block_on(self.0.manager.borrow().verify()).map(convert::verified).map_err(convert::error)
    }

    fn export_checkpoint(&self, id: Option<u64>) -> Result<Vec<u8>, Error> {
        block_on(archive::export(&**self.0.manager.borrow().directory(), id)).map_err(convert::error)
    }
}
