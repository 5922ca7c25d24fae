//! Sinks that send the records of an epoch in one HTTP request.

mod delivery;
mod durable_stream;
mod header;
mod outbox;
mod recovery;
mod request;
mod target;

pub use durable_stream::DurableStreamSink;
pub use request::{HttpMethod, HttpSink, HttpSinkOptions};
