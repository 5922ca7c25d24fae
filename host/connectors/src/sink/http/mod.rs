//! Sinks that send the records of an epoch in one HTTP request.

mod deliveries;
mod delivery;
mod durable_stream;
mod header;
mod request;
mod resource;

pub use durable_stream::DurableStreamSink;
pub use request::{HttpMethod, HttpSink, HttpSinkOptions};
