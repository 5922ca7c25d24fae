//! Where a socket is.

use std::fmt;
use std::path::PathBuf;

use crate::address::{Address, AddressError};

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    ConnectTcp { host: String, port: u16 },
    ListenTcp { host: String, port: u16 },
    ConnectUnix { path: PathBuf },
    ListenUnix { path: PathBuf },
}

/// The schemes of the addresses of sockets.
pub(in crate::source) const SCHEMES: [&str; 4] = ["tcp", "tcp-listen", "unix", "unix-listen"];

impl Endpoint {
    pub(super) fn of(address: &Address) -> Result<Self, AddressError> {
        address.without_credentials()?;
        match address.scheme() {
            "tcp" => Self::tcp(address).map(|(host, port)| Self::ConnectTcp { host, port }),
            "tcp-listen" => Self::tcp(address).map(|(host, port)| Self::ListenTcp { host, port }),
            "unix" => address.file().map(|path| Self::ConnectUnix { path }),
            "unix-listen" => address.file().map(|path| Self::ListenUnix { path }),
            _ => Err(address.error("scheme", format!("it is none of {}", SCHEMES.join(", ")))),
        }
    }

    fn tcp(address: &Address) -> Result<(String, u16), AddressError> {
        address.without_path()?;
        let host = address.host()?;
        let port = address.port().ok_or_else(|| address.error("port", "it is missing"))?;
        Ok((host, port))
    }

    pub(super) fn listens(&self) -> bool {
        matches!(self, Self::ListenTcp { .. } | Self::ListenUnix { .. })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, port) = match self {
            Self::ConnectTcp { host, port } => ("tcp", host, port),
            Self::ListenTcp { host, port } => ("tcp-listen", host, port),
            Self::ConnectUnix { path } => return write!(f, "unix:{}", path.display()),
            Self::ListenUnix { path } => return write!(f, "unix-listen:{}", path.display()),
        };
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}
