//! Servers for the tests of connectors: real ones that are killed and started again, and small ones that do
//! what a test says. Each is on a free port of this machine.
#![allow(clippy::missing_panics_doc, reason = "a test server that fails is a test that fails")]

pub mod durable_streams;
pub mod events;
pub mod example;
pub mod http;
pub mod nats;
pub mod object;
pub mod proxy;
pub mod target;
pub mod tls;
#[cfg(feature = "watched")]
pub mod watched;
