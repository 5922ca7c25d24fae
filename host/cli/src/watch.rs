//! `alluvium watch`: checkpoints of a running directory as they come, without a lock.

use std::path::PathBuf;
use std::time::Duration;

use alluvium_core::IncrementalCheckpointMetadata;
use alluvium_core::directory::{Directory, block_on};
use alluvium_core::tools::inspect::{self, CheckpointSummary};
use alluvium_host::text::printable;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::list::{metadata_json, timestamp_ms};
use crate::open;
use crate::output::{counted, grouped, print_while_read, time};
use crate::storage::Storage;

const EXAMPLE: &str = "\
Example:
  alluvium watch run

It begins with the newest checkpoint and prints a line for each that follows, until it is interrupted or its output is
closed. It takes no lock and writes nothing.";

/// Watch the checkpoints of a running directory as they come
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Watch {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// How often to look, in milliseconds
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,
    /// End after this many checkpoints
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Print the metadata of each as one line of JSON
    #[arg(long)]
    json: bool,
}

impl Watch {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let status =
            ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg}").expect("valid"));
        let mut last: Option<IncrementalCheckpointMetadata> = None;
        let mut seen = 0;
        loop {
            let found = block_on(inspect::list_checkpoints(&directory));
            let found = found.map_err(|error| Failure::core(&self.dir, &error))?;
            for metadata in newer(&found, last.as_ref()) {
                let line = self.line(metadata, last.as_ref())?;
                let is_read = status.suspend(|| print_while_read(|out| writeln!(out, "{}", printable(&line))))?;
                last = Some(metadata.clone());
                seen += 1;
                if !is_read || Some(seen) == self.count {
                    return Ok(Answer::Yes);
                }
            }
            status.set_message(self.status(&directory, found.len())?);
            status.tick();
            std::thread::sleep(Duration::from_millis(self.interval));
        }
    }

    fn line(
        &self,
        metadata: &IncrementalCheckpointMetadata,
        last: Option<&IncrementalCheckpointMetadata>,
    ) -> Result<String, Failure> {
        if self.json {
            let value = metadata_json(metadata).map_err(|error| Failure::at(self.dir.display(), error))?;
            return Ok(value.to_string());
        }
        Ok(describe(metadata, last))
    }

    fn status(&self, directory: &Storage, checkpoints: usize) -> Result<String, Failure> {
        let entries = block_on(directory.list()).map_err(|error| Failure::directory(&self.dir, &error))?;
        let bytes = entries.iter().map(|entry| entry.bytes).fold(0, u64::saturating_add);
        Ok(format!(
            "{} kept, {}, {}; Ctrl-C ends",
            counted(checkpoints as u64, "checkpoint"),
            counted(entries.len() as u64, "file"),
            counted(bytes, "byte")
        ))
    }
}

/// Checkpoints after `last`, oldest first; at the beginning the newest alone. One that is being
/// written or deleted at this moment has no metadata to read: it is passed over.
fn newer<'s>(
    found: &'s [CheckpointSummary],
    last: Option<&IncrementalCheckpointMetadata>,
) -> Vec<&'s IncrementalCheckpointMetadata> {
    let whole = found.iter().filter_map(|summary| summary.metadata.as_ref().ok());
    let mut newer: Vec<_> = match last {
        Some(last) => whole.take_while(|metadata| metadata.id > last.id).collect(),
        None => whole.take(1).collect(),
    };
    newer.reverse();
    newer
}

fn describe(metadata: &IncrementalCheckpointMetadata, last: Option<&IncrementalCheckpointMetadata>) -> String {
    let taken_ms = timestamp_ms(metadata);
    let passed_ms = last.map_or(0, |last| taken_ms.saturating_sub(timestamp_ms(last)));
    let sources = metadata.source_offsets.iter().map(|(source, offset)| {
        let before = last.and_then(|last| last.source_offsets.get(source)).copied();
        let rate = |before| offset.saturating_sub(before).saturating_mul(1_000).checked_div(passed_ms);
        let rate = before.and_then(rate).map_or_else(String::new, |rate| format!(" ({}/s)", grouped(rate)));
        format!("{source}={}{rate}", grouped(*offset))
    });
    let sources: Vec<String> = sources.collect();
    let written = metadata.alluvium.as_ref().map_or_else(String::new, |fields| {
        format!(", {} changed, {} written", grouped(fields.keys_changed), counted(fields.bytes_written, "byte"))
    });
    format!(
        "{}  checkpoint {}, epoch {}: {}, {}{written}  {}",
        time(taken_ms),
        metadata.id,
        metadata.epoch,
        counted(metadata.key_count, "key"),
        counted(metadata.size_bytes, "byte"),
        sources.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(id: u64, taken_ms: u64, offset: u64) -> IncrementalCheckpointMetadata {
        let mut metadata = IncrementalCheckpointMetadata::new(id, id);
        metadata.timestamp = taken_ms / 1_000;
        metadata.source_offsets.insert("input".to_owned(), offset);
        metadata
    }

    #[test]
    fn what_is_new_comes_once_and_in_order() {
        let whole = |id| CheckpointSummary { id, metadata: Ok(metadata(id, 0, 0)), metadata_bytes: 1 };
        let partial = |id| CheckpointSummary { id, metadata: Err("partial".to_owned()), metadata_bytes: 0 };
        let found = [partial(5), whole(4), whole(3), whole(2)];
        let check = |last: Option<u64>, expected: &[u64]| {
            let last = last.map(|id| metadata(id, 0, 0));
            let ids: Vec<u64> = newer(&found, last.as_ref()).iter().map(|metadata| metadata.id).collect();
            assert_eq!(ids, expected);
        };
        check(None, &[4]);
        check(Some(2), &[3, 4]);
        check(Some(4), &[]);
    }

    #[test]
    fn a_rate_needs_a_checkpoint_before() {
        let first = metadata(1, 1_000, 500);
        let second = metadata(2, 3_000, 2_500);
        assert!(describe(&first, None).ends_with("input=500"), "{}", describe(&first, None));
        let line = describe(&second, Some(&first));
        assert!(line.ends_with("input=2,500 (1,000/s)"), "{line}");
        // The timestamp may be wrong.
        let line = describe(&metadata(3, 4_000, u64::MAX), Some(&second));
        assert!(line.contains("/s)"), "{line}");
    }
}
