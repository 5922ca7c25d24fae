//! What the source and the sink of NATS JetStream have in common.

mod connection;
mod server;
mod subject;
mod trouble;

pub(crate) use connection::{Connection, Link, Shared, nanoseconds};
pub use server::NatsServer;
pub(crate) use subject::{check_filter, check_stream_name, check_subject, overlap};
