//! The operations on checkpoints: taking, restoring and deleting them, and what the model then expects.

use alluvium_core::OpenOptions;
use alluvium_core::directory::block_on;
use alluvium_test_harness::{Expected, STORE_ID, open_with};

use crate::model::{InFlight, Run};

impl Run {
    /// Returns the id that the next checkpoint must get, which no checkpoint had before.
    fn next_id(&mut self) -> u64 {
        self.newest_id += 1;
        self.newest_id
    }

    fn commit(&mut self, id: u64, expected: Expected) {
        self.kept.insert(id, expected);
        while self.kept.len() > self.config.max_retained {
            self.kept.pop_first();
        }
        self.collect();
    }

    /// Forgets the WALs that a later checkpoint replaces, unless they are to stay with their checkpoint.
    pub(super) fn collect(&mut self) {
        let newest = self.kept.last_key_value().map_or(0, |(id, _)| *id);
        let stays = |id: &u64| *id >= newest || (!self.config.truncate_wal && self.kept.contains_key(id));
        self.logged.retain(|id, _| stays(id));
    }

    pub(super) fn sync(&mut self) {
        self.expected.wal_position += self.rng.u64(0..100);
        if !self.in_flight.is_empty() {
            let refused = block_on(self.manager.sync(self.expected.wal_position)).unwrap_err();
            assert!(refused.is_transient(), "{refused:?}");
            self.expected.wal_position = self.manager.wal_position();
            return;
        }
        // The manager may not know of the newest yet, if that was written and dropped.
        let before = self.kept.last_key_value().map(|(id, _)| *id);
        block_on(self.manager.sync(self.expected.wal_position)).unwrap();
        let after = self.manager.latest_checkpoint_id();
        if before == after {
            let after = after.expect("a log follows a checkpoint");
            self.logged.insert(after, self.expected.clone());
        } else {
            // Where no log can follow, it is a checkpoint.
            let id = self.next_id();
            assert_eq!(after, Some(id));
            self.commit(id, self.expected.clone());
        }
    }

    pub(super) fn checkpoint(&mut self) {
        self.land_all();
        self.expected.wal_position += self.rng.u64(0..100);
        let id = self.next_id();
        let metadata = if self.rng.u8(0..4) == 0 {
            let (offsets, watermark) = (self.expected.source_offsets.clone(), self.expected.watermark);
            let state = self.value();
            let position = self.expected.wal_position;
            let created = self.manager.create_checkpoint_with_state(position, offsets, watermark, &state);
            let metadata = block_on(created).unwrap();
            assert_eq!(block_on(self.manager.load_checkpoint_state(id)).unwrap(), state);
            metadata
        } else {
            block_on(self.manager.create_checkpoint(self.expected.wal_position)).unwrap()
        };
        assert_eq!((metadata.id, metadata.key_count), (id, self.expected.state.len() as u64));
        self.commit(id, self.expected.clone());
    }

    pub(super) fn three_steps(&mut self) {
        let prepared = self.in_flight.iter().position(|each| matches!(each, InFlight::Prepared(..)));
        match self.rng.u8(0..4) {
            0 if self.in_flight.len() < self.config.max_in_flight => {
                self.expected.wal_position += self.rng.u64(0..100);
                let prepared = self.manager.prepare_checkpoint(self.expected.wal_position).unwrap();
                self.in_flight.push_back(InFlight::Prepared(prepared, self.expected.clone()));
            }
            0 => {
                // Backpressure, without any effect.
                let refused = self.manager.prepare_checkpoint(self.expected.wal_position).map(|_| ()).unwrap_err();
                assert!(refused.is_transient(), "{refused:?}");
            }
            1 if prepared.is_some() => self.write(prepared.unwrap()),
            2 => self.cancel(),
            _ => self.finish(),
        }
    }

    fn write(&mut self, index: usize) {
        let Some(InFlight::Prepared(prepared, expected)) = self.in_flight.remove(index) else { unreachable!() };
        let written = block_on(prepared.write()).unwrap();
        self.in_flight.insert(index, InFlight::Written(written, expected));
    }

    /// Drops a checkpoint on its way. What was only prepared belongs to the next one, and what was written exists.
    fn cancel(&mut self) {
        if self.in_flight.is_empty() {
            return;
        }
        let index = self.rng.usize(0..self.in_flight.len());
        if let Some(InFlight::Written(written, expected)) = self.in_flight.remove(index) {
            self.note_written(written.metadata().id, expected);
        }
    }

    /// A checkpoint exists, although it was never finished.
    fn note_written(&mut self, id: u64, expected: Expected) {
        self.newest_id = self.newest_id.max(id);
        self.kept.insert(id, expected);
    }

    fn finish(&mut self) {
        match self.in_flight.pop_front() {
            Some(InFlight::Written(written, expected)) => {
                let id = written.metadata().id;
                let finished = self.manager.finish_checkpoint(written).unwrap();
                self.newest_id = self.newest_id.max(id);
                let report = block_on(finished.maintenance.run());
                assert!(report.errors.is_empty(), "{report:?}");
                self.commit(id, expected);
            }
            Some(unwritten) => self.in_flight.push_front(unwritten),
            None => {}
        }
    }

    /// Writes and finishes everything that is on its way.
    pub(super) fn land_all(&mut self) {
        while !self.in_flight.is_empty() {
            if matches!(self.in_flight[0], InFlight::Prepared(..)) {
                self.write(0);
            }
            self.finish();
        }
    }

    pub(super) fn reopen(&mut self) {
        // What was written is committed, finished or not; what was only prepared is gone.
        while let Some(InFlight::Written(written, expected)) = self.in_flight.pop_front() {
            self.note_written(written.metadata().id, expected);
        }
        self.in_flight.clear();
        let options = OpenOptions::new(self.clock.clone()).store_id(STORE_ID).create(true);
        self.manager = open_with(&self.directory, self.config.clone(), options).unwrap();
        let newest = self.kept.last_key_value();
        self.expected =
            newest.map(|(id, expected)| self.logged.get(id).unwrap_or(expected).clone()).unwrap_or_default();
        assert_eq!(self.manager.latest_checkpoint_id(), self.kept.last_key_value().map(|(id, _)| *id));
        assert_eq!(Expected::of(&self.manager), self.expected);
    }

    pub(super) fn any_kept(&mut self) -> Option<u64> {
        let ids: Vec<u64> = self.kept.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[self.rng.usize(0..ids.len())])
    }

    pub(super) fn restore(&mut self) {
        self.land_all();
        let Some(id) = self.any_kept() else { return };
        self.expected = self.kept[&id].clone();
        let metadata = block_on(self.manager.restore_checkpoint(id)).unwrap();
        let id = self.next_id();
        assert_eq!(metadata.id, id);
        assert_eq!(Expected::of(&self.manager), self.expected);
        self.commit(id, self.expected.clone());
    }

    pub(super) fn delete_checkpoint(&mut self) {
        self.land_all();
        let Some(id) = self.any_kept() else { return };
        block_on(self.manager.delete_checkpoint(id)).unwrap();
        self.kept.remove(&id);
        self.collect();
        self.check_listed();
        assert_eq!(Expected::of(&self.manager), self.expected, "deleting a checkpoint leaves the live state alone");
    }

    pub(super) fn keep_fewer(&mut self) {
        self.land_all();
        let keep = self.rng.usize(1..4);
        block_on(self.manager.cleanup_old_checkpoints_keep(keep)).unwrap();
        while self.kept.len() > keep {
            self.kept.pop_first();
        }
        self.collect();
        self.check_listed();
    }
}
