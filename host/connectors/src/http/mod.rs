//! What sources and sinks over HTTP have in common.

mod answer;
mod client;
mod endpoint;

pub(crate) use answer::{ANSWER_TIME_MAX, Failure, answer, checked, header, piece};
pub(crate) use client::{Connection, Redirects, Shared};
pub use endpoint::HttpEndpoint;
