//! What is read goes through the plugin, without the records that are left out.

use alluvium_connectors::Batch;
use alluvium_host::RuntimeError;

use super::bad_record::BadRecord;
use super::event_time::Times;
use super::input_options::OnError;
use super::operator;
use super::progress::Progress;
use super::reading::{Part, Read};
use super::stream::Stream;
use crate::failure::Failure;

impl Stream<'_> {
    /// Processes what was read of a partition.
    pub(super) fn process(&mut self, from: usize, mut read: Read, progress: &mut Progress) -> Result<(), Failure> {
        self.begin(from)?;
        let mut largest = None;
        let mut number = self.cursors.get(from).consumed();
        for part in std::mem::take(&mut read.parts) {
            match part {
                Part::Good(batch, time_ms) => {
                    let count = batch.count();
                    let fed_ms = self.feed_around(from, batch, number, time_ms, progress)?;
                    largest = largest.max(fed_ms);
                    number += u64::from(count);
                }
                Part::Bad(bad) => {
                    self.leave_out(from, &bad, progress)?;
                    number += 1;
                }
            }
        }
        self.cursors.advance(from, &read, largest);
        self.is_between = false;
        self.follow_watermark();
        Ok(())
    }

    /// Feeds a batch, `before` records of the partition being before it. If records that the plugin refuses
    /// are left out, those around them are fed. `time_ms` is the largest event time of the batch. Returns the largest
    /// one of the records that were fed, because a record that is left out moves no watermark.
    pub(super) fn feed_around(
        &mut self,
        from: usize,
        batch: Batch,
        before: u64,
        time_ms: Option<i64>,
        progress: &mut Progress,
    ) -> Result<Option<i64>, Failure> {
        let (mut largest, mut is_whole) = (None, true);
        // What is to be fed, from the end, each with the number of records before it.
        let mut waiting = vec![(batch, before)];
        while let Some((batch, before)) = waiting.pop() {
            let input = self.cursors.get(from).input;
            // The plugin takes the batch away. What it refuses is divided.
            let kept = (self.run.reading.on_error != OnError::Stop).then(|| batch.clone());
            let fed = operator::feed(&mut self.plugin, input, batch);
            match (fed, kept) {
                (Ok(()), kept) => {
                    let part_ms = || self.largest_time(from, &kept?);
                    largest = largest.max(if is_whole { time_ms } else { part_ms() });
                    self.write_emitted()?;
                }
                (Err(RuntimeError::Refused { record, text, .. }), Some(mut first)) => {
                    is_whole = false;
                    let blamed = record.filter(|at| *at < first.count());
                    // Without a record to blame, halves tell which it is.
                    let at = blamed.unwrap_or(first.count() / 2);
                    let mut rest = first.split_off(at);
                    if blamed.is_some() || first.is_empty() {
                        let after = rest.split_off(1);
                        let number = before + u64::from(at) + 1;
                        if !after.is_empty() {
                            waiting.push((after, number));
                        }
                        if !first.is_empty() {
                            largest = largest.max(self.largest_time(from, &first));
                            // The whole batch was undone.
                            let fed = operator::feed(&mut self.plugin, input, first);
                            fed.map_err(|error| self.failed(from, &error))?;
                            self.write_emitted()?;
                        }
                        let schema = self.cursors.get(from).schema.clone();
                        if let Some(record) = rest.records().next() {
                            let error = format!("the plugin refuses it: {text}");
                            let bad = BadRecord::of_record(number, error, &record, schema.as_deref()).refused();
                            self.leave_out(from, &bad, progress)?;
                        }
                    } else {
                        waiting.push((rest, before + u64::from(at)));
                        waiting.push((first, before));
                    }
                }
                (Err(error), _) => return Err(self.failed(from, &error)),
            }
        }
        Ok(largest)
    }

    /// Returns the largest event time of records of a partition, all of which can be read.
    fn largest_time(&self, from: usize, batch: &Batch) -> Option<i64> {
        let cursor = self.cursors.get(from);
        let times = Times { column: cursor.time_column.clone(), format: self.run.reading.time_format };
        let column = times.find(cursor.schema.as_deref()?, &cursor.source_name).ok()??;
        batch.records().filter_map(|record| times.read(record.field(column)?).ok()?).max()
    }

    /// After a batch, or a part of one: its effects are in the state, and its position is not yet.
    pub(super) fn write_emitted(&mut self) -> Result<(), Failure> {
        self.is_between = true;
        for (output, records) in operator::take_emitted(&mut self.plugin) {
            self.outputs.write(output, &records)?;
        }
        Ok(())
    }

    /// Leaves a record out of the stream.
    fn leave_out(&mut self, from: usize, bad: &BadRecord, progress: &mut Progress) -> Result<(), Failure> {
        self.cursors.leave_out(from, bad.is_refused);
        let cursor = self.cursors.get(from);
        progress.left_out(&cursor.source_name, bad);
        self.left_out += 1;
        self.outputs.write_dead_letter(bad, &cursor.source_name)
    }

    /// A refusal of the plugin is about the input, anything else about the directory.
    pub(super) fn failed(&self, from: usize, error: &RuntimeError) -> Failure {
        match error {
            RuntimeError::Refused { record, text, .. } => {
                let cursor = self.cursors.get(from);
                let number = |record: u32| format!("record {}", cursor.consumed() + u64::from(record) + 1);
                let refused = record.map_or_else(|| "it".to_owned(), number);
                Failure::at(&cursor.source_name, format!("the plugin refuses {refused}: {text}")).hint(
                    "correct the input or the plugin, or leave such records out with --on-error; the records before \
                     are safe",
                )
            }
            _ => Failure::runtime(&self.run.dir, error),
        }
    }
}
