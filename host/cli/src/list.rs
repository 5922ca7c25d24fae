//! `alluvium list` and `alluvium show`: what checkpoints there are, and one of them in full.

use std::fmt::Display;
use std::path::PathBuf;

use alluvium_core::directory::block_on;
use alluvium_core::tools::inspect::{self, CheckpointSummary};
use alluvium_core::{IncrementalCheckpointMetadata, format};
use alluvium_host::text::printable;
use clap::Args;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::open;
use crate::output::{Table, counted, grouped, print, time};
use crate::shown::tell;
use crate::storage::Storage;

const LIST_EXAMPLE: &str = "Example:\n  alluvium list run\n\nExit code 1 when there is no checkpoint.";
const SHOW_EXAMPLE: &str = "Example:\n  alluvium show run 27";

/// List the checkpoints of a directory, newest first, with what each wrote
#[derive(Args)]
#[command(after_help = LIST_EXAMPLE)]
pub(crate) struct List {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// Print one JSON array of metadata
    #[arg(long)]
    json: bool,
}

impl List {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let found = block_on(inspect::list_checkpoints(&directory));
        let found = found.map_err(|error| Failure::core(&self.dir, &error))?;
        let kept = block_on(inspect::kept_checkpoints(&directory));
        let kept = kept.map_err(|error| Failure::core(&self.dir, &error))?;
        let is_kept = |summary: &CheckpointSummary| kept.contains(&summary.id);
        if self.json {
            let values: Result<Vec<_>, _> = found.iter().map(|summary| self.json(summary, is_kept(summary))).collect();
            let values = values?;
            print(|out| writeln!(out, "{:#}", Value::Array(values)))?;
            return Ok(self.answer(&directory, &found));
        }
        if found.is_empty() {
            return Ok(self.answer(&directory, &found));
        }
        let mut table =
            Table::new(&["id", "taken (UTC)", "epoch", "keys", "changed", "bytes written", "bytes in all", ""]);
        for summary in &found {
            table.row(row(summary, is_kept(summary)));
        }
        print(|out| write!(out, "{table}"))?;
        Ok(self.answer(&directory, &found))
    }

    /// Says whether there is a checkpoint, whole or damaged. If there is none, it says what there is instead.
    fn answer(&self, directory: &Storage, found: &[CheckpointSummary]) -> Answer {
        if found.iter().any(|summary| summary.metadata.is_ok() || summary.metadata_bytes > 0) {
            return Answer::Yes;
        }
        match block_on(inspect::check_not_lost(directory)) {
            Ok(()) => tell(&format!("{}: no checkpoint", self.dir.display())),
            Err(lost) => tell(&Failure::core(&self.dir, &lost).to_string()),
        }
        Answer::No
    }

    fn json(&self, summary: &CheckpointSummary, is_kept: bool) -> Result<Value, Failure> {
        let mut value = match &summary.metadata {
            Ok(metadata) => metadata_json(metadata).map_err(|error| Failure::at(self.dir.display(), error))?,
            Err(damage) => json!({"id": summary.id, "damage": damage}),
        };
        if is_kept {
            value["kept"] = Value::Bool(true);
        }
        Ok(value)
    }
}

fn row(summary: &CheckpointSummary, is_kept: bool) -> Vec<String> {
    let id = summary.id.to_string();
    let metadata = match &summary.metadata {
        Ok(metadata) => metadata,
        Err(damage) => {
            let mut cells = vec![id];
            cells.resize(7, String::new());
            cells.push(if is_kept { format!("kept {damage}") } else { damage.clone() });
            return cells;
        }
    };
    let fields = metadata.alluvium.as_ref();
    let of_fields = |get: fn(&format::metadata::AlluviumFields) -> u64| {
        fields.map_or_else(|| "?".to_owned(), |fields| grouped(get(fields)))
    };
    let mut notes: Vec<String> =
        metadata.source_offsets.iter().map(|(source, offset)| format!("{source}={offset}")).collect();
    if is_kept {
        notes.insert(0, "kept".to_owned());
    }
    if fields.is_none() {
        notes.push("(written by LaminarDB)".to_owned());
    }
    vec![
        id,
        time(timestamp_ms(metadata)),
        metadata.epoch.to_string(),
        grouped(metadata.key_count),
        of_fields(|fields| fields.keys_changed),
        of_fields(|fields| fields.bytes_written),
        grouped(metadata.size_bytes),
        notes.join(" "),
    ]
}

/// When a checkpoint was prepared, in milliseconds of Unix time.
pub(crate) fn timestamp_ms(metadata: &IncrementalCheckpointMetadata) -> u64 {
    metadata.alluvium.as_ref().map_or(metadata.timestamp.saturating_mul(1_000), |fields| fields.timestamp_ms)
}

/// The metadata as it is on disk.
pub(crate) fn metadata_json(metadata: &IncrementalCheckpointMetadata) -> Result<Value, String> {
    let text = metadata.to_json().map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// Show one checkpoint: its position in the stream and the files that hold it
#[derive(Args)]
#[command(after_help = SHOW_EXAMPLE)]
pub(crate) struct Show {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The checkpoint [default: the newest]
    id: Option<u64>,
    /// Print the metadata as JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let load = |id| block_on(inspect::load_metadata(&directory, id));
        let (_, metadata) = open::read(&self.dir, &directory, self.id, load)?;
        if self.json {
            let value = metadata_json(&metadata).map_err(|error| Failure::at(self.dir.display(), error))?;
            print(|out| writeln!(out, "{value:#}"))?;
        } else {
            print(|out| out.write_all(describe(&metadata).as_bytes()))?;
        }
        Ok(Answer::Yes)
    }
}

fn describe(metadata: &IncrementalCheckpointMetadata) -> String {
    let mut lines = Vec::new();
    let mut line =
        |name: &str, value: &dyn Display| lines.push(format!("{name:<15}{}\n", printable(&value.to_string())));
    line("checkpoint", &metadata.id);
    line("taken", &format!("{} UTC", time(timestamp_ms(metadata))));
    line("epoch", &metadata.epoch);
    line("wal position", &metadata.wal_position);
    for (source, offset) in &metadata.source_offsets {
        line("source", &format!("{source} at {}", grouped(*offset)));
    }
    if let Some(watermark_ms) = metadata.watermark {
        let text = u64::try_from(watermark_ms).map_or_else(|_| String::new(), |ms| format!(" ({} UTC)", time(ms)));
        line("watermark", &format!("{watermark_ms} ms{text}"));
    }
    if let Some(parent_id) = metadata.parent_id {
        line("continues", &format!("checkpoint {parent_id}"));
    }
    line("keys", &grouped(metadata.key_count));
    line("bytes in all", &grouped(metadata.size_bytes));
    let Some(fields) = &metadata.alluvium else {
        line("written by", &"LaminarDB; the state is opaque, in state.bin");
        return lines.concat();
    };
    line("bytes written", &grouped(fields.bytes_written));
    line("keys changed", &format!("{}, {} of them deleted", grouped(fields.keys_changed), grouped(fields.tombstones)));
    line("store", &format_args!("{:032x}", u128::from_be_bytes(fields.store_id)));
    for segment in &fields.segments {
        let groups: Vec<String> = segment.groups.iter().map(|(first, last)| format!("{first}-{last}")).collect();
        let groups = groups.join(",");
        line(
            segment.kind.extension(),
            &format!("{}  {}, groups {groups}", segment.path(), counted(segment.bytes, "byte")),
        );
    }
    if let Some(state) = &fields.state_file {
        line("opaque state", &format!("state.bin, {}", counted(state.bytes, "byte")));
    }
    if !fields.kept.is_empty() {
        let ids: Vec<String> = fields.kept.iter().map(u64::to_string).collect();
        line("keeps", &format!("checkpoints {}", ids.join(", ")));
    }
    for (source, partitions) in &fields.positions {
        for (partition, position) in partitions {
            let partition = if partition.is_empty() { String::new() } else { format!("/{partition}") };
            line("position", &format!("{source}{partition} at {position}"));
        }
    }
    for (sink, token) in &fields.sinks {
        line("token", &format!("{sink}: \"{}\"", token.as_bytes().escape_ascii()));
    }
    for (name, value) in &fields.annotations {
        line("annotation", &format!("{name}: {value}"));
    }
    lines.concat()
}
