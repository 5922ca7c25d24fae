//! The actions of a session: what each asks of the manager, and what is promised before and after it.

use std::sync::Arc;

use alluvium_core::archive;
use alluvium_core::directory::{MemoryDirectory, block_on};

use super::{Session, Stop};
use crate::oracle::Subject;
use crate::{Expected, keep, open_with, options};

impl<S: Subject> Session<S> {
    pub(super) fn put(&mut self) -> Result<(), Stop<S::Error>> {
        let step = self.steps;
        let key = format!("key {}", step % 3).into_bytes();
        // Position and step make every value one of a kind.
        let value = format!("value {step} after position {}", self.expected.wal_position).into_bytes();
        self.opened()?.put(&key, &value)?;
        self.expected.state.insert(key, value);
        Ok(())
    }

    pub(super) fn delete(&mut self) -> Result<(), Stop<S::Error>> {
        let Some(key) = self.expected.state.keys().next().cloned() else { return Ok(()) };
        self.opened()?.delete(&key)?;
        self.expected.state.remove(&key);
        Ok(())
    }

    /// Advances epoch, offsets, watermark and position together, so that no two checkpoints share one.
    fn advance(&self) -> Expected {
        let mut next = self.expected.clone();
        next.epoch += 1;
        next.wal_position += 1;
        let position = next.wal_position;
        next.source_offsets.insert("input".into(), position * 10);
        next.watermark = i64::try_from(position * 1_000).ok();
        next
    }

    pub(super) fn checkpoint(&mut self, opaque: Option<&[u8]>) -> Result<(), Stop<S::Error>> {
        let next = self.advance();
        self.promise(|journal| journal.checkpointing(&next));
        let subject = self.opened()?;
        let id = match opaque {
            Some(state) => subject.checkpoint_with_state(&next, state)?,
            None => subject.checkpoint(&next)?,
        };
        self.acknowledge(id, next);
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), Stop<S::Error>> {
        let next = self.advance();
        let kept = self.journal.kept.clone();
        // Where there is nothing that a WAL segment could follow, this takes a checkpoint.
        self.promise(|journal| journal.checkpointing(&next));
        let subject = self.opened()?;
        subject.sync(&next)?;
        let newest = subject.latest()?;
        self.expected = next.clone();
        self.promise(|journal| {
            journal.acknowledge(&next);
            match newest {
                Some(id) if kept.contains_key(&id) => {
                    journal.kept = kept;
                    journal.tails.entry(id).or_default().push(next);
                }
                Some(id) => {
                    journal.kept.insert(id, next);
                    journal.keep(journal.retained);
                }
                None => {}
            }
        });
        Ok(())
    }

    fn acknowledge(&mut self, id: u64, expected: Expected) {
        self.expected = expected.clone();
        self.promise(|journal| journal.checkpointed(id, expected));
    }

    pub(super) fn cleanup(&mut self) -> Result<(), Stop<S::Error>> {
        self.promise(|journal| journal.keep(1));
        self.opened()?.keep_newest()?;
        Ok(())
    }

    /// Deletes the newest checkpoint; what comes back is then the one before it, or nothing.
    pub(super) fn delete_checkpoint(&mut self) -> Result<(), Stop<S::Error>> {
        let listed = self.opened()?.listed()?;
        let Some(newest) = listed.first().copied() else { return Ok(()) };
        let mut before = vec![Expected::default()];
        if let Some(id) = listed.get(1) {
            // A checkpoint that this session knows nothing of: it does not delete up to that one.
            let Some(expected) = self.journal.kept.get(id) else { return Ok(()) };
            before = vec![expected.clone()];
            // A crash may have left the WAL segments that came after it.
            before.extend(self.journal.tails.get(id).cloned().unwrap_or_default());
        }
        self.promise(|journal| {
            for expected in &before {
                journal.submit(expected);
            }
            journal.kept.remove(&newest);
        });
        self.opened()?.delete_checkpoint(newest)?;
        self.promise(|journal| journal.acceptable = before);
        Ok(())
    }

    pub(super) fn restore(&mut self) -> Result<(), Stop<S::Error>> {
        let Some((id, expected)) = self.journal.kept.first_key_value() else { return Ok(()) };
        let (id, expected) = (*id, expected.clone());
        self.promise(|journal| journal.checkpointing(&expected));
        let restored = self.opened()?.restore(id)?;
        self.acknowledge(restored, expected);
        Ok(())
    }

    pub(super) fn import(&mut self) -> Result<(), Stop<S::Error>> {
        let (bytes, expected) = foreign_archive();
        self.promise(|journal| journal.checkpointing(&expected));
        self.subject.close();
        let id = self.subject.import(&bytes)?;
        self.acknowledge(id, expected);
        self.open()
    }
}

/// Returns an archive from elsewhere, and what it holds.
fn foreign_archive() -> (Vec<u8>, Expected) {
    let directory = Arc::new(MemoryDirectory::new());
    let options = options().store_id([9; 16]);
    let mut manager = open_with(&directory, keep(1), options).expect("an empty directory in memory opens");
    manager.put(b"from", b"elsewhere").expect("there is room");
    manager.set_epoch(5_000).expect("forward");
    manager.set_source_offset("input", 50_000).expect("forward");
    manager.set_watermark(5_000_000);
    block_on(manager.create_checkpoint(5_000)).expect("memory does not fail");
    let bytes = block_on(archive::export(&*directory, None)).expect("what was just written");
    (bytes, Expected::of(&manager))
}
