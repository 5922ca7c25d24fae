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
    at(address, true)
}

/// Does what [`from_url`] does for an output of a job, which has a place for what waits: an address may leave `waiting`
/// out. Then [`Sink::wait_in`] must come before the first recovery.
///
/// ```
/// # #[cfg(feature = "nats")] {
/// use alluvium_connectors::sink;
///
/// let sink = sink::from_url_of_job("nats://nats.example/ALERTS?subject=alerts.late")?;
/// assert_eq!(sink.name(), "ALERTS/alerts.late");
/// # }
/// # Ok::<(), alluvium_connectors::AddressError>(())
/// ```
pub fn from_url_of_job(address: &str) -> Result<Box<dyn Sink>, AddressError> {
    at(address, false)
}

/// Returns the sink at an address, which may have to say where records wait.
fn at(address: &str, names_place: bool) -> Result<Box<dyn Sink>, AddressError> {
    let scheme = address::scheme_of(address)?.to_ascii_lowercase();
    match (scheme.as_str(), names_place) {
        #[cfg(feature = "http")]
        ("durable-stream+http" | "durable-stream+https", named) => {
            Ok(Box::new(super::DurableStreamSink::at(address, named)?))
        }
        #[cfg(feature = "http")]
        ("http" | "https", named) => Ok(Box::new(super::HttpSink::at(address, named)?)),
        #[cfg(feature = "kafka")]
        ("kafka", named) => Ok(Box::new(super::KafkaSink::at(address, named)?)),
        #[cfg(feature = "nats")]
        ("nats", named) => Ok(Box::new(super::JetStreamSink::at(address, named)?)),
        _ => Err(address::no_connector(&scheme, "sink", &SCHEMES)),
    }
}
