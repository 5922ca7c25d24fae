//! Sources by their addresses.

use super::Source;
use crate::address::{self, AddressError};

/// The schemes, each with the feature that it needs.
const SCHEMES: [(&str, &str); 10] = [
    ("durable-stream+http", "http"),
    ("durable-stream+https", "http"),
    ("kafka", "kafka"),
    ("nats", "nats"),
    ("sse+http", "http"),
    ("sse+https", "http"),
    ("tcp", "socket"),
    ("tcp-listen", "socket"),
    ("unix", "socket"),
    ("unix-listen", "socket"),
];

/// Returns the source that an address stands for. Nothing is opened yet.
///
/// | address | source | feature |
/// |---|---|---|
/// | `durable-stream+https://HOST/PATH` | records of a Durable Stream; `http` in the place of `https` is without TLS | `http` |
/// | `kafka://HOST:PORT[,HOST:PORT]/TOPIC` | messages of a Kafka topic | `kafka` |
/// | `nats://HOST:PORT/STREAM` | messages of a JetStream stream | `nats` |
/// | `sse+https://HOST/PATH` | server-sent events; `http` in the place of `https` is without TLS | `http` |
/// | `tcp://HOST:PORT`, `unix:PATH` | lines of a peer that it connects to | `socket` |
/// | `tcp-listen://HOST:PORT`, `unix-listen:PATH` | lines of the peers that connect | `socket` |
///
/// Options follow behind a question mark, as in `tcp://logs.example:9000?line-bytes=65536&peer=replays`. In
/// names and values, characters with a meaning are written with a percent sign. The errors name the part of
/// the address that is wrong, and never show a password.
///
/// ```
/// # #[cfg(feature = "socket")] {
/// use alluvium_connectors::source;
///
/// let source = source::from_url("tcp://logs.example:9000?retry-for=5m").unwrap();
/// assert_eq!(source.identity().to_string(), "socket tcp://logs.example:9000");
/// let error = source::from_url("tcp://logs.example:9000?line-byte=70").map(drop).unwrap_err();
/// assert_eq!(error.part(), "line-byte");
/// # }
/// ```
pub fn from_url(address: &str) -> Result<Box<dyn Source>, AddressError> {
    let scheme = address::scheme_of(address)?.to_ascii_lowercase();
    match scheme.as_str() {
        #[cfg(feature = "http")]
        "durable-stream+http" | "durable-stream+https" => Ok(Box::new(super::DurableStreamSource::from_url(address)?)),
        #[cfg(feature = "http")]
        "sse+http" | "sse+https" => Ok(Box::new(super::SseSource::from_url(address)?)),
        #[cfg(feature = "kafka")]
        "kafka" => Ok(Box::new(super::KafkaSource::from_url(address)?)),
        #[cfg(feature = "nats")]
        "nats" => Ok(Box::new(super::JetStreamSource::from_url(address)?)),
        #[cfg(feature = "socket")]
        "tcp" | "tcp-listen" | "unix" | "unix-listen" => Ok(Box::new(super::SocketSource::from_url(address)?)),
        _ => Err(address::no_connector(&scheme, "source", &SCHEMES)),
    }
}
