//! Sources and sinks of stream processors whose state is checkpointed: records in from a position on,
//! output exactly once.
//!
//! A [`Source`](source::Source) hands out records and says after each batch where it is. A
//! [`Sink`](sink::Sink) hides what it gets until the checkpoint that it belongs to is committed. The
//! checkpoint stores both: a [`Position`](source::Position) for each partition of each source, and a
//! token for each sink, of at most 1 KiB.
//!
//! ```text
//! restart:     sink.recover(tokens)      reader.seek(position)
//! stream:      reader.poll(batch)   ──▶  process   ──▶  sink.write(records)
//! checkpoint:  reader.position(), sink.prepare()  ──▶  commit  ──▶  sink.publish(token)
//! ```
//!
//! Connectors to networks are features, and none is on by default: `socket` (lines through TCP and Unix
//! sockets), `nats` (streams of NATS JetStream), `kafka` (topics of Kafka) and `http` (Durable Streams, server-sent
//! events, and sinks that send requests). [`source::from_url`] and [`sink::from_url`] make a connector from its
//! address.
//!
//! The crate depends on no WebAssembly runtime. The `alluvium` command uses it around WebAssembly plugins; it works
//! as well around state that is kept by the crate `alluvium`. [`testing`] has one conformance suite for
//! each trait, for everyone who implements it.
#![forbid(unsafe_code)]

mod address;
#[cfg(any(feature = "http", feature = "nats"))]
mod background;
mod batch;
mod batcher;
mod context;
pub mod files;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "nats")]
mod nats;
mod opaque;
#[cfg(feature = "network")]
mod retry;
pub mod sink;
pub mod source;
pub mod testing;
#[cfg(any(feature = "http", feature = "nats"))]
mod trouble;

pub use address::AddressError;
pub use batch::{Batch, Record};
pub use batcher::{BatchLimits, Batcher};
#[cfg(feature = "http")]
pub use http::HttpEndpoint;
#[cfg(feature = "kafka")]
pub use kafka::KafkaServer;
#[cfg(feature = "nats")]
pub use nats::NatsServer;
pub use opaque::{OPAQUE_BYTES_MAX, Opaque};
#[cfg(feature = "network")]
pub use retry::Retry;

/// The program that the README shows is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Whether the peer of a connection went away, and may come back.
fn is_lost_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    let lost = [
        Kind::TimedOut,
        Kind::ConnectionRefused,
        Kind::ConnectionReset,
        Kind::ConnectionAborted,
        Kind::HostUnreachable,
        Kind::NetworkUnreachable,
        Kind::NetworkDown,
        Kind::NotConnected,
        Kind::BrokenPipe,
    ];
    lost.contains(&error.kind())
}
