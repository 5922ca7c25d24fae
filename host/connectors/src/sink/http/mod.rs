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

/// Takes the directory in which records wait.
fn take_directory(address: &mut crate::address::Address) -> Result<String, crate::AddressError> {
    let directory = address.take("waiting")?.filter(|directory| !directory.is_empty());
    directory.ok_or_else(|| address.error("waiting", "it is missing"))
}
