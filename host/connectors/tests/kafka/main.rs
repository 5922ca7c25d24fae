//! The source and the sink of Kafka over the mock cluster of librdkafka, in a process of its own.
//!
//! The mock cluster loses nothing, and answers as it is told. It has no isolation: what a transaction writes is visible
//! at once, also if it is never committed. So a killed process leaves a part of its transaction visible here, and the
//! next one must publish the rest and nothing else, which these tests check. It fences no producer by itself: its
//! answers to one that was fenced are made. That a real cluster shows all of a transaction or nothing, waits for what
//! is open, and fences, is not checked by these tests, and neither are TLS, logins and partitions that are added.
#![cfg(feature = "kafka")]

mod cluster;
#[path = "../in_job/mod.rs"]
mod in_job;
mod kills;
mod refusals;
mod retention;
mod sink;
mod source;
