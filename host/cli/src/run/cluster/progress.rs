//! What a job tells people while it runs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alluvium_cluster::{Committed, LeftOut, Outcome, Watch};
use serde_json::json;

use super::board::Board;
use super::sources::why;
use crate::log::{Level, log};
use crate::output::{counted, were};
use crate::shown::tell;

/// How often people are told of an epoch at most.
const EVERY: Duration = Duration::from_secs(1);

/// Says where the status page is.
pub(super) fn listening(is_json: bool, address: SocketAddr) {
    let url = format!("http://{address}/");
    if is_json {
        log(Level::Info, json!({"event": "listening", "url": url}));
    } else {
        tell(&format!("status page at {url}"));
    }
}

/// Says that there are new partitions, and that the job begins a generation that reads them.
pub(super) fn grown(is_json: bool) {
    if is_json {
        log(Level::Info, json!({"event": "grown"}));
    } else {
        tell("there are new partitions: a new generation begins, and it reads them too");
    }
}

/// Says how the job ended.
pub(super) fn ended(is_json: bool, outcome: &Outcome) {
    let (generation, is_finished) = (outcome.generation, outcome.is_finished());
    if is_json {
        log(Level::Info, json!({"event": "end", "generation": generation, "is_finished": is_finished}));
    } else {
        tell(match (is_finished, generation) {
            (true, 0) => "the job has finished already: all its inputs were read",
            (true, _) => "all inputs were read",
            (false, _) => "stopped: the same command continues at the last committed epoch",
        });
    }
}

/// So many records that were left out are told of for each epoch.
const LEFT_OUT_TOLD: usize = 10;

/// Returns what tells of committed epochs: as JSON of each, or for people of one a second and of the last.
pub(super) fn watch(is_json: bool, board: Board) -> Watch {
    let (mut records, mut told) = (0, None::<Instant>);
    Arc::new(Mutex::new(move |committed: &Committed| {
        records += committed.records;
        board.committed(committed);
        left_out(is_json, &committed.left_out);
        let manifest = &committed.manifest;
        if is_json {
            log(
                Level::Info,
                json!({
                    "event": "epoch", "epoch": manifest.position.epoch, "generation": manifest.generation,
                    "workers": manifest.parts.len(), "records": records, "keys": manifest.keys(),
                    "state_bytes": manifest.bytes(), "state_digest": format!("{:016x}", manifest.digest()),
                    "watermark": manifest.position.watermark, "output_bytes": committed.output_bytes,
                    "left_out": committed.left_out.len(),
                    "is_finished": committed.is_finished,
                }),
            );
        } else if committed.is_finished || told.is_none_or(|told| told.elapsed() >= EVERY) {
            told = Some(Instant::now());
            tell(&format!(
                "epoch {} of generation {}: {} of this run, {} in {}",
                manifest.position.epoch,
                manifest.generation,
                counted(records, "record"),
                counted(manifest.keys(), "key"),
                counted(manifest.parts.len() as u64, "part")
            ));
        }
    }))
}

/// Tells of records that were left out of an epoch.
fn left_out(is_json: bool, records: &[LeftOut]) {
    for record in records.iter().take(LEFT_OUT_TOLD) {
        let LeftOut { input, partition, number, number_in_partition, .. } = record;
        let (number, error) = (number_in_partition.unwrap_or(*number), why(record));
        if is_json {
            let place = json!({"event": "left-out", "input": input, "partition": partition, "record": number,
                "error": error});
            log(Level::Warn, place);
        } else {
            tell(&format!("{input}, {partition}: left out record {number}: {error}"));
        }
    }
    if let Some(rest) = records.len().checked_sub(LEFT_OUT_TOLD).filter(|rest| *rest > 0 && !is_json) {
        let rest = rest as u64;
        tell(&format!("{} of this epoch {} left out", counted(rest, "more record"), were(rest)));
    }
}
