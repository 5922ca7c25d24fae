//! How far each partition of each input is consumed.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use alluvium_connectors::source::{Partition, Reader};
use alluvium_host::{Engine, Plugin, RuntimeError};

use super::bookmarks::{self, Bookmark};
use super::inputs::Input;
use super::reading::{self, Cuts, Message, Plan, Read, WAITING_MAX};
use crate::failure::Failure;

/// All partitions of all inputs. Messages name one by its number.
pub(super) struct Cursors(Vec<Cursor>);

/// How far a partition is consumed.
pub(super) struct Cursor {
    /// The number of the input, as the plugin counts them.
    pub(super) input: usize,
    input_name: String,
    /// What errors call the source.
    pub(super) source_name: String,
    partition: Partition,
    bookmark: Option<Bookmark>,
    read_bytes: u64,
    /// The reader, until it reads in a thread.
    reader: Option<Box<dyn Reader>>,
}

impl Cursor {
    /// Records consumed, by earlier runs too.
    pub(super) fn consumed(&self) -> u64 {
        self.bookmark.as_ref().map_or(0, |bookmark| bookmark.records)
    }

    /// The largest event time, of earlier runs too.
    fn time_ms(&self) -> Option<i64> {
        self.bookmark.as_ref().and_then(|bookmark| bookmark.time_ms)
    }
}

impl Cursors {
    /// Takes the readers to where the recovered checkpoint says.
    pub(super) fn open(inputs: Vec<Input>, plugin: &mut Plugin, dir: &Path) -> Result<Self, Failure> {
        let mut cursors = Vec::new();
        for (number, input) in inputs.into_iter().enumerate() {
            let mut is_known = false;
            for (partition, mut reader) in input.partitions {
                let bookmark = plugin.with_engine(|engine| bookmarks::of(engine, &input.name, &partition));
                let bookmark = bookmark.map_err(|error| Failure::runtime(dir, &error))?;
                if let Some(bookmark) = &bookmark {
                    reader.seek(&bookmark.position).map_err(|error| Failure::source(&error))?;
                    is_known = true;
                }
                cursors.push(Cursor {
                    input: number,
                    input_name: input.name.clone(),
                    source_name: input.source_name.clone(),
                    partition,
                    bookmark,
                    read_bytes: 0,
                    reader: Some(reader),
                });
            }
            if plugin.recovered().is_some() && !is_known {
                let what = format!("its newest checkpoint says nothing of the source {:?}", input.name);
                return Err(Failure::at(dir.display(), what)
                    .hint("it is not one that `alluvium run` took: name another directory"));
            }
        }
        Ok(Self(cursors))
    }

    /// Starts reading, each partition in a thread of its own. The channel closes when all have ended.
    pub(super) fn start(&mut self, time_column: &str, cuts: Cuts) -> Result<Receiver<Message>, Failure> {
        let (sender, receiver) = sync_channel(WAITING_MAX * self.0.len());
        for (number, cursor) in self.0.iter_mut().enumerate() {
            let Some(reader) = cursor.reader.take() else { continue };
            let plan = Plan {
                number,
                source_name: cursor.source_name.clone(),
                time_column: time_column.to_owned(),
                consumed: cursor.consumed(),
                cuts,
            };
            reading::start(reader, plan, sender.clone())?;
        }
        Ok(receiver)
    }

    /// Returns a partition by its number.
    pub(super) fn get(&self, number: usize) -> &Cursor {
        &self.0[number]
    }

    /// Records consumed of all partitions, by earlier runs too.
    pub(super) fn consumed(&self) -> u64 {
        self.0.iter().map(Cursor::consumed).sum()
    }

    /// Bytes that the readers have read.
    pub(super) fn read_bytes(&self) -> u64 {
        self.0.iter().map(|cursor| cursor.read_bytes).sum()
    }

    /// Takes note that a batch of `count` records of a partition is consumed.
    pub(super) fn advance(&mut self, number: usize, count: u32, read: &Read) {
        let cursor = &mut self.0[number];
        let records = cursor.consumed() + u64::from(count);
        let time_ms = cursor.time_ms().max(read.time_ms);
        cursor.bookmark = Some(Bookmark { records, position: read.position.clone(), time_ms });
        cursor.read_bytes = read.progress.read_bytes;
    }

    /// Returns the watermark that all partitions allow: the least of their largest event times. There is
    /// none before each of them had an event time.
    pub(super) fn watermark_ms(&self) -> Option<i64> {
        self.0.iter().map(Cursor::time_ms).min().flatten()
    }

    /// Puts how far the partitions are consumed into the checkpoints and logs to come.
    pub(super) fn store(&self, engine: &mut dyn Engine) -> Result<(), RuntimeError> {
        for Cursor { input_name, partition, bookmark, .. } in &self.0 {
            if let Some(bookmark) = bookmark {
                bookmarks::set(engine, input_name, partition, bookmark)?;
            }
        }
        Ok(())
    }
}
