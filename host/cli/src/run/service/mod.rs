//! A run that is left running: its state as a page, as metrics, and as answers to probes.

mod http;
mod metrics;
mod metrics_file;
mod page;
mod status;

pub(super) use http::listen;
pub(super) use metrics_file::MetricsFile;
pub(super) use status::{InputStatus, OutputStatus, Phase, Status};
