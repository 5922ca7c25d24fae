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
//! The crate depends on no runtime. The `alluvium` command uses it around WebAssembly plugins; it works
//! as well around state that is kept by the crate `alluvium`. [`testing`] has one conformance suite for
//! each trait, for everyone who implements it.
#![forbid(unsafe_code)]

mod batch;
mod batcher;
mod opaque;
pub mod sink;
pub mod source;
pub mod testing;

pub use batch::{Batch, Record};
pub use batcher::{BatchLimits, Batcher};
pub use opaque::{OPAQUE_BYTES_MAX, Opaque};

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
        Kind::NotConnected,
        Kind::BrokenPipe,
    ];
    lost.contains(&error.kind())
}
