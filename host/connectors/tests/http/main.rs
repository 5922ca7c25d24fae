//! Sources and sinks over HTTP: servers with faults, and the real server of Durable Streams, which npm installs
//! (`make durable-streams`).
#![cfg(feature = "http")]

mod durable_sink;
mod durable_source;
#[path = "../in_job/mod.rs"]
mod in_job;
mod kills;
mod sink;
mod sse;
mod sse_faults;
mod support;
mod tls;
