//! The processes of a job, and the connections between them.
//!
//! The connections are neither encrypted nor protected against change. With a shared key, a process takes only
//! connections of processes that know the key. Between machines that are not trusted, run the job in a mesh that
//! encrypts.

mod handshake;
mod pulse;
mod sockets;

use std::net::SocketAddr;
use std::path::Path;

use crate::error::ClusterError;

pub(crate) use pulse::Pulses;
pub(crate) use sockets::{Connected, connect};

/// The processes of a job, by number, and which of them this one is.
///
/// ```
/// use alluvium_cluster::Processes;
///
/// let processes = Processes::parse("127.0.0.1:4001\n127.0.0.1:4002\n", 1)?;
/// assert_eq!((processes.count(), processes.own()), (2, 1));
/// assert!(Processes::parse("127.0.0.1:4001", 1).is_err());
/// # Ok::<(), alluvium_cluster::ClusterError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Processes {
    addresses: Vec<String>,
    own: usize,
    key: Vec<u8>,
}

impl Processes {
    /// Returns the only process of a job.
    pub fn single() -> Self {
        Self { addresses: vec![String::new()], own: 0, key: Vec::new() }
    }

    /// Reads the addresses of the processes, one `HOST:PORT` a line. Empty lines and lines that begin with `#` do not
    /// count. `own` is the number of this process, counted from 0.
    pub fn parse(text: &str, own: usize) -> Result<Self, ClusterError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let addresses: Vec<String> = lines.map(str::to_owned).collect();
        if let Some(wrong) = addresses.iter().find(|address| !is_address(address)) {
            return Err(ClusterError::Options(format!("{wrong:?} is no address of the form HOST:PORT")));
        }
        if own >= addresses.len() {
            let what = format!("there is no process {own}: {} addresses are given", addresses.len());
            return Err(ClusterError::Options(format!("{what}, counted from 0")));
        }
        Ok(Self { addresses, own, key: Vec::new() })
    }

    /// Reads the addresses from a file, as [`parse`](Self::parse) does.
    pub fn read(path: impl AsRef<Path>, own: usize) -> Result<Self, ClusterError> {
        let path = path.as_ref();
        let failed = |error: &dyn std::fmt::Display| ClusterError::Options(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        Self::parse(&text, own).map_err(|error| failed(&error))
    }

    /// Sets a key that all processes must know.
    #[must_use]
    pub fn key(self, key: impl Into<Vec<u8>>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// Returns the number of processes.
    pub fn count(&self) -> usize {
        self.addresses.len()
    }

    /// Returns the number of this process, counted from 0.
    pub fn own(&self) -> usize {
        self.own
    }
}

fn is_address(address: &str) -> bool {
    address.parse::<SocketAddr>().is_ok()
        || address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}
