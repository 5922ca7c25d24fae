//! Sinks by their addresses.

use super::Sink;
use crate::address::{self, AddressError};

/// The schemes, each with the feature that it needs.
const SCHEMES: [(&str, &str); 6] = [
    ("durable-stream+http", "http"),
    ("durable-stream+https", "http"),
    ("http", "http"),
    ("https", "http"),
    ("kafka", "kafka"),
    ("nats", "nats"),
];

/// Returns the sink that an address stands for. Nothing is opened yet.
///
/// | address | sink | feature |
/// |---|---|---|
/// | `durable-stream+https://HOST/PATH?waiting=DIRECTORY` | records of a Durable Stream; `http` in the place of `https` is without TLS | `http` |
/// | `https://HOST/PATH?waiting=DIRECTORY` | one request for the records of an epoch; `http` in the place of `https` is without TLS | `http` |
/// | `kafka://HOST:PORT[,HOST:PORT]/TOPIC?waiting=DIRECTORY` | messages of a partition of a Kafka topic | `kafka` |
/// | `nats://HOST:PORT/STREAM?subject=SUBJECT&waiting=DIRECTORY` | messages of a JetStream stream | `nats` |
///
/// The errors name the part of the address that is wrong, and never show a password.
///
/// ```
/// # #[cfg(feature = "nats")] {
/// use alluvium_connectors::sink;
///
/// let error = sink::from_url("nats://nats.example/ALERTS?waiting=state/alerts").map(drop).unwrap_err();
/// assert_eq!(error.to_string(), "nats://nats.example/ALERTS: subject: it is missing");
/// # }
/// ```
pub fn from_url(address: &str) -> Result<Box<dyn Sink>, AddressError> {
    let scheme = address::scheme_of(address)?.to_ascii_lowercase();
    match scheme.as_str() {
        #[cfg(feature = "http")]
        "durable-stream+http" | "durable-stream+https" => Ok(Box::new(super::DurableStreamSink::from_url(address)?)),
        #[cfg(feature = "http")]
        "http" | "https" => Ok(Box::new(super::HttpSink::from_url(address)?)),
        #[cfg(feature = "kafka")]
        "kafka" => Ok(Box::new(super::KafkaSink::from_url(address)?)),
        #[cfg(feature = "nats")]
        "nats" => Ok(Box::new(super::JetStreamSink::from_url(address)?)),
        _ => Err(address::no_connector(&scheme, "sink", &SCHEMES)),
    }
}
