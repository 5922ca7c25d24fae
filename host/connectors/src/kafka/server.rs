//! Where a cluster is.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;

use crate::address::{Address, AddressError};
use crate::retry::Retry;

/// A Kafka cluster, by one of its brokers or more.
///
/// The others are known once one of them was reached. The connections have no TLS and no login. In a network that
/// others can listen to, put a tunnel between.
///
/// ```
/// use alluvium_connectors::KafkaServer;
///
/// let server = KafkaServer::new("kafka.example", 9092).and("kafka-2.example", 9092);
/// assert_eq!(server.to_string(), "kafka://kafka.example:9092");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaServer {
    /// Each with its port.
    servers: Vec<String>,
    retry: Retry,
}

/// How long one question to the cluster may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// After this time without an answer, a connection counts as lost and is replaced. It is well below the patience, so
/// that the connection that replaces it has time left.
const SILENCE_MAX: Duration = Duration::from_secs(10);

const PORT: u16 = 9092;

fn with_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl KafkaServer {
    /// Returns the cluster that has a broker at a host and port.
    pub fn new(host: &str, port: u16) -> Self {
        Self { servers: vec![with_port(host, port)], retry: Retry::default() }
    }

    /// Adds another broker of the cluster.
    #[must_use]
    pub fn and(mut self, host: &str, port: u16) -> Self {
        self.servers.push(with_port(host, port));
        self
    }

    /// Sets how a lost connection is tried again.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    pub(crate) fn retries(&self) -> Retry {
        self.retry
    }

    /// Returns how long one question may take.
    pub(crate) fn answer_time(&self) -> Duration {
        self.retry.attempt_time().min(ANSWER_TIME_MAX)
    }

    /// Takes an address apart that may name several brokers, and takes the brokers and their options.
    pub(crate) fn take_from(text: &str) -> Result<(Self, Address), AddressError> {
        let (first, others) = split_brokers(text);
        let mut address = Address::parse(&first)?;
        address.without_credentials()?;
        let mut server = Self::new(&address.host()?, address.port().unwrap_or(PORT));
        server.retry = Retry::take_from(&mut address)?;
        for other in others {
            let authority = Address::parse(&format!("kafka://{other}"));
            let host = authority.as_ref().map_err(Clone::clone).and_then(Address::host);
            let plain = authority.as_ref().is_ok_and(|authority| authority.without_credentials().is_ok());
            let (Ok(authority), Ok(host), true) = (authority, host, plain) else {
                return Err(address.error("host", "one of the brokers is not HOST or HOST:PORT"));
            };
            server = server.and(&host, authority.port().unwrap_or(PORT));
        }
        Ok((server, address))
    }

    /// Returns what every client of the cluster needs.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.servers.join(","))
            .set("client.id", "alluvium")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("socket.timeout.ms", self.retry.attempt_time().min(SILENCE_MAX).as_millis().to_string());
        config
    }
}

/// Returns the address with its first broker alone, and the other brokers.
fn split_brokers(text: &str) -> (String, Vec<&str>) {
    let Some((scheme, rest)) = text.split_once("://") else { return (text.to_owned(), Vec::new()) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (brokers, path) = rest.split_at(end);
    let mut brokers = brokers.split(',');
    let first = brokers.next().unwrap_or_default();
    (format!("{scheme}://{first}{path}"), brokers.collect())
}

/// The address of the first broker.
impl fmt::Display for KafkaServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kafka://{}", self.servers[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<KafkaServer, AddressError> {
        KafkaServer::take_from(text).map(|(server, _)| server)
    }

    #[test]
    fn an_address_may_name_several_brokers() {
        let expected = KafkaServer::new("::1", 9092).and("b", 7).and("c", 9092);
        let retry = Retry::default().patience(Duration::from_secs(5));
        assert_eq!(server("kafka://[::1],b:7,c/T?retry-for=5s").unwrap(), expected.retry(retry));
        assert_eq!(server("kafka://h:1/T").unwrap(), KafkaServer::new("h", 1));
    }

    #[test]
    fn a_wrong_part_is_named_and_a_secret_is_not() {
        for (text, part) in [
            ("kafka://me:secret@h/T", "user"),
            ("kafka://h,me:secret@i/T", "host"),
            ("kafka://h,/T", "host"),
            ("kafka://h,i:secret/T", "host"),
            ("kafka://h:secret/T", "port"),
            ("kafka:///T", "host"),
        ] {
            let error = server(text).unwrap_err();
            assert_eq!(error.part(), part, "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
