//! The metrics of a process of a job, as Prometheus reads them.

use std::fmt;

use alluvium_cluster::Lag;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::super::super::service::{
    Metric, age, counters, gauges, labelled_counters, labelled_gauges, number, of_process, seconds,
};
use super::{Board, Newest, OfWorker};

const OF_JOB: [Metric<Newest, Option<f64>>; 8] = [
    ("job_generation", "The generation that has claimed the job.", |job| Some(number(job.manifest.generation))),
    ("job_epoch", "The newest committed epoch.", |job| Some(number(job.manifest.position.epoch))),
    ("job_workers", "The workers of all processes.", |job| Some(number(job.workers.len() as u64))),
    ("job_keys", "The keys of the state.", |job| Some(number(job.manifest.keys()))),
    ("job_state_bytes", "The bytes of all keys and values.", |job| Some(number(job.manifest.bytes()))),
    ("job_commit_age_seconds", "How long ago the newest epoch was committed.", |job| Some(age(job.at))),
    ("job_finished", "Whether all inputs were read.", |job| Some(number(job.is_finished.into()))),
    ("job_watermark_timestamp_seconds", "The watermark of all inputs.", |job| {
        job.manifest.position.watermark.map(seconds)
    }),
];

const COUNTS_OF_JOB: [Metric<Newest, u64>; 3] = [
    ("job_epochs", "Epochs committed by this generation.", |job| job.epochs),
    ("job_output_bytes", "Bytes given to the outputs by this generation.", |job| job.output_bytes),
    ("job_left_out_records", "Records that this generation left out: unreadable or refused.", |job| job.left_out),
];

const OF_PARTITIONS: [Metric<Lag, Option<f64>>; 2] = [
    ("job_input_lag_bytes", "Bytes that are there and not read.", |lag| lag.bytes.map(number)),
    ("job_input_lag_records", "Records that are there and not read.", |lag| lag.records.map(number)),
];

const OF_WORKERS: [Metric<OfWorker, Option<f64>>; 3] = [
    ("worker_keys", "The keys of a worker.", |worker| Some(number(worker.keys))),
    ("worker_state_bytes", "The bytes of the keys and values of a worker.", |worker| Some(number(worker.bytes))),
    ("worker_stall_seconds", "How long a worker stood still for its part of the newest epoch.", |worker| {
        Some(worker.stall.as_secs_f64())
    }),
];

const COUNTS_OF_WORKERS: [Metric<OfWorker, u64>; 1] =
    [("worker_records", "Records that a worker has processed in this generation.", |worker| worker.records)];

/// Everything in Prometheus's text form.
pub(super) fn exposition(board: &Board) -> String {
    let mut registry = Registry::with_prefix("alluvium");
    registry.register_collector(Box::new(OfBoard(board.clone())));
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = text::encode(&mut text, &registry);
    text
}

#[derive(Clone)]
struct OfBoard(Board);

impl fmt::Debug for OfBoard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfBoard")
    }
}

impl Collector for OfBoard {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let seen = self.0.lock();
        let help = "Whether it works on the job.";
        let ready = encoder.encode_descriptor("ready", help, None, MetricType::Gauge)?;
        ConstGauge::new(number(seen.unready().is_none().into())).encode(ready)?;
        of_process(&mut encoder)?;
        let Some(newest) = &seen.committed else { return Ok(()) };
        gauges(&mut encoder, &OF_JOB, newest)?;
        counters(&mut encoder, &COUNTS_OF_JOB, newest)?;
        let partitions = newest.lags.iter().flat_map(|(input, partitions)| {
            let labels = |partition| [("input", input.as_str()), ("partition", partition)];
            partitions.iter().map(move |(partition, lag)| (labels(partition.as_str()), lag))
        });
        labelled_gauges(&mut encoder, &OF_PARTITIONS, &partitions)?;
        let workers = newest.workers.iter().enumerate().map(|(number, worker)| ([("worker", number)], worker));
        labelled_gauges(&mut encoder, &OF_WORKERS, &workers)?;
        labelled_counters(&mut encoder, &COUNTS_OF_WORKERS, &workers)
    }
}
