//! Where a server is, and how to log in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{ConnectOptions, Event};
use tokio::sync::watch;

use crate::address::{Address, AddressError};
use crate::retry::Retry;
use crate::trouble::Trouble;

/// A NATS server or a cluster of them, and how to log in.
///
/// Passwords and tokens are not part of any text that this type gives, `Debug` included.
///
/// ```
/// use alluvium_connectors::NatsServer;
///
/// let server = NatsServer::new("nats.example", 4222).and("nats-2.example", 4222).token("secret");
/// assert_eq!(server.to_string(), "nats://nats.example:4222");
/// assert!(!format!("{server:?}").contains("secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NatsServer {
    /// Each with its port.
    servers: Vec<String>,
    login: Login,
    tls: bool,
    certificates: Option<PathBuf>,
    retry: Retry,
}

#[derive(Clone, PartialEq, Eq)]
enum Login {
    None,
    Token(String),
    User(String, String),
    CredentialsFile(PathBuf),
}

/// How long one connection may take, and one question to the server.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

const PORT: u16 = 4222;

fn with_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl NatsServer {
    /// Returns the server at a host and port, without a login.
    pub fn new(host: &str, port: u16) -> Self {
        let servers = vec![with_port(host, port)];
        Self { servers, login: Login::None, tls: false, certificates: None, retry: Retry::default() }
    }

    /// Adds another server of the cluster. The servers that a cluster names by itself are known without it,
    /// once one of them was reached.
    #[must_use]
    pub fn and(mut self, host: &str, port: u16) -> Self {
        self.servers.push(with_port(host, port));
        self
    }

    /// Logs in with a token.
    #[must_use]
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { login: Login::Token(token.into()), ..self }
    }

    /// Logs in with a user and a password.
    #[must_use]
    pub fn user(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { login: Login::User(user.into(), password.into()), ..self }
    }

    /// Logs in with a file of credentials, which has a JWT and a seed.
    #[must_use]
    pub fn credentials_file(self, path: impl Into<PathBuf>) -> Self {
        Self { login: Login::CredentialsFile(path.into()), ..self }
    }

    /// Connects only with TLS.
    #[must_use]
    pub fn tls(self) -> Self {
        Self { tls: true, ..self }
    }

    /// Trusts the certificates of a PEM file as well as those of the system.
    #[must_use]
    pub fn certificates(self, path: impl Into<PathBuf>) -> Self {
        Self { certificates: Some(path.into()), ..self }
    }

    /// Sets how a lost connection is tried again.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    pub(crate) fn retries(&self) -> Retry {
        self.retry
    }

    /// Takes the server, the login and their options.
    pub(crate) fn take_from(address: &mut Address) -> Result<Self, AddressError> {
        let mut server = Self::new(&address.host()?, address.port().unwrap_or(PORT));
        server.retry = Retry::take_from(address)?;
        server.tls = address.take_word("tls", &[("true", true), ("false", false)])?.unwrap_or(false);
        server.certificates = address.take("ca")?.map(PathBuf::from);
        for other in address.take_all("server") {
            let authority = Address::parse(&format!("nats://{other}"));
            let host = authority.as_ref().map_err(Clone::clone).and_then(Address::host);
            let (Ok(authority), Ok(host)) = (authority, host) else {
                return Err(address.error("server", format!("{other:?} is not HOST or HOST:PORT")));
            };
            server = server.and(&host, authority.port().unwrap_or(PORT));
        }
        let credentials = address.take("creds")?;
        server.login = match (address.credentials()?, credentials) {
            ((None, None), None) => Login::None,
            ((None, None), Some(path)) => Login::CredentialsFile(path.into()),
            ((Some(token), None), None) => Login::Token(token),
            ((Some(user), Some(password)), None) => Login::User(user, password),
            ((None, Some(_)), _) => return Err(address.error("user", "there is a password without it")),
            (_, Some(_)) => return Err(address.error("creds", "there is a user as well, and one login is enough")),
        };
        Ok(server)
    }

    /// Connects. The connection is made again by itself when it is lost, which is counted.
    pub(super) async fn connect(&self, losses: &watch::Sender<u64>) -> Result<async_nats::Client, Trouble> {
        let losses = losses.clone();
        let count = move |event| {
            if matches!(event, Event::Disconnected) {
                losses.send_modify(|losses| *losses += 1);
            }
            std::future::ready(())
        };
        let mut options = ConnectOptions::new()
            .name("alluvium")
            .connection_timeout(ANSWER_TIME_MAX)
            .request_timeout(Some(ANSWER_TIME_MAX))
            .ping_interval(Duration::from_secs(10))
            .require_tls(self.tls)
            .event_callback(count);
        options = match &self.login {
            Login::None => options,
            Login::Token(token) => options.token(token.clone()),
            Login::User(user, password) => options.user_and_password(user.clone(), password.clone()),
            Login::CredentialsFile(path) => options
                .credentials_file(path)
                .await
                .map_err(|error| Trouble::Refused(format!("{}: {error}", path.display())))?,
        };
        if let Some(path) = &self.certificates {
            options = options.add_root_certificates(path.clone());
        }
        options.connect(&self.servers).await.map_err(|error| Trouble::of_connecting(&error))
    }
}

/// The address of the first server.
impl fmt::Display for NatsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nats://{}", self.servers[0])
    }
}

impl fmt::Debug for NatsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = match &self.login {
            Login::None => "none".to_owned(),
            Login::Token(_) => "a token".to_owned(),
            Login::User(user, _) => format!("user {user:?}"),
            Login::CredentialsFile(path) => format!("credentials in {}", path.display()),
        };
        f.debug_struct("NatsServer")
            .field("servers", &self.servers)
            .field("login", &login)
            .field("tls", &self.tls)
            .field("certificates", &self.certificates)
            .field("retry", &self.retry)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<NatsServer, AddressError> {
        let mut address = Address::parse(text)?;
        NatsServer::take_from(&mut address)
    }

    #[test]
    fn an_address_says_all_of_it() {
        let retry = Retry::default().patience(Duration::from_secs(5));
        let expected = NatsServer::new("::1", 4222).and("b", 7).user("me", "p@ss").tls().certificates("ca.pem");
        let text = "nats://me:p%40ss@[::1]/S?server=b:7&tls=true&ca=ca.pem&retry-for=5s";
        assert_eq!(server(text).unwrap(), expected.retry(retry));
        assert_eq!(server("nats://t@h:1/S").unwrap(), NatsServer::new("h", 1).token("t"));
        assert_eq!(server("nats://h/S?creds=/a").unwrap(), NatsServer::new("h", 4222).credentials_file("/a"));
    }

    #[test]
    fn a_wrong_part_is_named_and_a_secret_is_not() {
        for (text, part) in [
            ("nats://:secret@h/S", "user"),
            ("nats://secret@h/S?creds=/a", "creds"),
            ("nats://secret@h/S?tls=yes", "tls"),
            ("nats://secret@h/S?server=a:b", "server"),
            ("nats:///S", "host"),
        ] {
            let error = server(text).unwrap_err();
            assert_eq!(error.part(), part, "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
