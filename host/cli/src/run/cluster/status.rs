//! `alluvium cluster status` and `rescale`: what a job is like, without taking part in it.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use alluvium_cluster::JobStatus;
use clap::Args;
use serde_json::{Value, json};

use super::super::service::{lag_text, shown};
use super::failed;
use super::place::JobPlace;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::output::{counted, print};

/// Show the generation, the workers, the committed epoch and the parts of a job
#[derive(Args)]
#[command(after_help = "Example:\n  alluvium cluster status --job job")]
pub(super) struct Status {
    /// The job
    #[arg(long, value_name = "DIR|URL")]
    job: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Explain what a start with another number of workers would read and write; nothing is changed
#[derive(Args)]
#[command(after_help = "\
Example:
  alluvium cluster rescale --job job --workers 4

To rescale, stop the job and start it with another number of workers or processes.")]
pub(super) struct Rescale {
    /// The job
    #[arg(long, value_name = "DIR|URL")]
    job: PathBuf,
    /// How many workers all processes would have together
    #[arg(long, value_name = "N")]
    workers: NonZeroU32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads what a job is like. Where there is none, nothing is created.
fn read(job: &Path) -> Result<JobStatus, Failure> {
    let none = || Failure::at(job.display(), "there is no job").hint("alluvium cluster run begins one");
    JobStatus::read(&JobPlace::existing(job)?).map_err(|error| failed(&error))?.ok_or_else(none)
}

impl Status {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let status = read(&self.job)?;
        let manifest = &status.manifest;
        let position = &manifest.position;
        print(|out| {
            if self.json {
                let part = |part: &alluvium_cluster::PartStatus| {
                    json!({"directory": part.store, "range": part.range, "keys": part.keys, "bytes": part.bytes,
                        "other_directories": part.others})
                };
                let value = json!({
                    "generation": manifest.generation, "workers": manifest.stores.len(), "epoch": position.epoch,
                    "checkpoint": manifest.checkpoint, "is_finished": status.is_finished, "keys": manifest.keys(),
                    "state_bytes": manifest.bytes(), "state_digest": format!("{:016x}", manifest.digest()),
                    "watermark": position.watermark, "positions": position.positions, "lag": status.lags,
                    "parts": status.parts.iter().map(part).collect::<Vec<Value>>(),
                });
                return writeln!(out, "{value:#}");
            }
            let end = if status.is_finished { ", and all inputs were read" } else { "" };
            writeln!(
                out,
                "generation {} with {}, epoch {} committed{end}",
                manifest.generation,
                counted(manifest.stores.len() as u64, "worker"),
                position.epoch
            )?;
            let (keys, bytes) = (counted(manifest.keys(), "key"), counted(manifest.bytes(), "byte"));
            writeln!(out, "{keys}, {bytes}, state digest {:016x}", manifest.digest())?;
            if let Some(watermark) = position.watermark {
                writeln!(out, "watermark {watermark} ms")?;
            }
            for (input, lag) in &status.lags {
                let lag = lag_text(lag.records, lag.bytes);
                writeln!(out, "input {}: lag {lag} when the epoch was committed", shown(input))?;
            }
            for part in &status.parts {
                let others =
                    if part.others == 0 { String::new() } else { format!(", with files in {} others", part.others) };
                writeln!(
                    out,
                    "part {}: {}, {}{others}",
                    part.store,
                    counted(part.keys, "key"),
                    counted(part.bytes, "byte")
                )?;
            }
            Ok(())
        })?;
        Ok(Answer::Yes)
    }
}

impl Rescale {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let status = read(&self.job)?;
        let planned = status.rescale(self.workers.get());
        print(|out| {
            if self.json {
                let worker = |parts: &Vec<(_, u64)>| {
                    let part = |(store, bytes): &(_, u64)| json!({"directory": store, "bytes": bytes});
                    parts.iter().map(part).collect::<Vec<Value>>()
                };
                let workers: Vec<Vec<Value>> = planned.iter().map(worker).collect();
                let now = status.manifest.stores.len();
                return writeln!(out, "{:#}", json!({"workers": now, "planned": workers}));
            }
            let now = counted(status.manifest.stores.len() as u64, "worker");
            writeln!(out, "{now} now, {} planned", planned.len())?;
            for (worker, parts) in planned.iter().enumerate() {
                let bytes = parts.iter().map(|(_, bytes)| bytes).sum();
                let (bytes, parts) = (counted(bytes, "byte"), counted(parts.len() as u64, "part"));
                writeln!(out, "worker {worker} would read about {bytes} of {parts}")?;
            }
            writeln!(out, "the start writes a manifest, and each worker the names of the files that it takes over")
        })?;
        Ok(Answer::Yes)
    }
}
