//! Where a resource is, and how to log in.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::address::{Address, AddressError};
use crate::retry::Retry;

/// A resource of an HTTP server, and how to log in.
///
/// Passwords, tokens and the query are not part of any text that this type gives, `Debug` included.
///
/// ```
/// use alluvium_connectors::HttpEndpoint;
///
/// let endpoint = HttpEndpoint::new("https://events.example/orders?tenant=7")?.token("secret");
/// assert_eq!(endpoint.to_string(), "https://events.example/orders");
/// assert!(!format!("{endpoint:?}").contains("secret"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HttpEndpoint {
    /// Without a login.
    url: Url,
    login: Login,
    certificates: Option<PathBuf>,
    retry: Retry,
}

#[derive(Clone, PartialEq, Eq)]
enum Login {
    None,
    Token(String),
    User(String, String),
}

impl HttpEndpoint {
    /// Returns the resource with this URL, which begins with `http://` or `https://`. What is before an `@` in
    /// it is a token, or a user and a password.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        let address = Address::parse(url)?;
        let mut endpoint = Self::at(&address, address.web_url("")?)?;
        endpoint.url.set_query(address.query());
        Ok(endpoint)
    }

    /// Logs in with a token, in a header `Authorization: Bearer`.
    #[must_use]
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { login: Login::Token(token.into()), ..self }
    }

    /// Logs in with a user and a password, in a header `Authorization: Basic`.
    #[must_use]
    pub fn user(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { login: Login::User(user.into(), password.into()), ..self }
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

    /// Takes the resource, the login and their options from an address whose scheme begins with `prefix`.
    pub(crate) fn take_from(address: &mut Address, prefix: &str) -> Result<Self, AddressError> {
        let mut url = address.web_url(prefix)?;
        url.set_query(address.take("query")?.as_deref());
        let mut endpoint = Self::at(address, url)?;
        endpoint.retry = Retry::take_from(address)?;
        endpoint.certificates = address.take("ca")?.map(PathBuf::from);
        Ok(endpoint)
    }

    fn at(address: &Address, url: Url) -> Result<Self, AddressError> {
        let login = match address.credentials()? {
            (None, None) => Login::None,
            (Some(token), None) => Login::Token(token),
            (Some(user), Some(password)) => Login::User(user, password),
            (None, Some(_)) => return Err(address.error("user", "there is a password without it")),
        };
        Ok(Self { url, login, certificates: None, retry: Retry::default() })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn certificates_file(&self) -> Option<&Path> {
        self.certificates.as_deref()
    }

    /// Adds the login to a request.
    pub(super) fn log_in(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.login {
            Login::None => request,
            Login::Token(token) => request.bearer_auth(token),
            Login::User(user, password) => request.basic_auth(user, Some(password)),
        }
    }
}

/// The URL without its query.
impl fmt::Display for HttpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.url.clone();
        url.set_query(None);
        url.fmt(f)
    }
}

impl fmt::Debug for HttpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = match &self.login {
            Login::None => "none".to_owned(),
            Login::Token(_) => "a token".to_owned(),
            Login::User(user, _) => format!("user {user:?}"),
        };
        f.debug_struct("HttpEndpoint")
            .field("url", &self.to_string())
            .field("login", &login)
            .field("certificates", &self.certificates)
            .field("retry", &self.retry)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Result<HttpEndpoint, AddressError> {
        let mut address = Address::parse(text)?;
        let endpoint = HttpEndpoint::take_from(&mut address, "sse+")?;
        address.finish()?;
        Ok(endpoint)
    }

    #[test]
    fn an_address_says_all_of_it() {
        let expected =
            HttpEndpoint::new("https://[::1]:8443/a/b?c=d&e").unwrap().user("me", "p@ss").certificates("ca.pem");
        let text = "sse+https://me:p%40ss@[::1]:8443/a/b?query=c%3Dd%26e&ca=ca.pem";
        assert_eq!(endpoint(text).unwrap(), expected);
        assert_eq!(endpoint("sse+http://t@h").unwrap(), HttpEndpoint::new("http://h/").unwrap().token("t"));
        assert_eq!(HttpEndpoint::new("http://t@h/a").unwrap(), HttpEndpoint::new("http://h/a").unwrap().token("t"));
    }

    #[test]
    fn a_wrong_part_is_named_and_a_secret_is_not() {
        for (text, part) in [
            ("sse+http://:secret@h/S", "user"),
            ("sse+ftp://secret@h/S", "scheme"),
            ("http://secret@h/S", "scheme"),
            ("sse+http:///S", "host"),
            ("sse+http://secret@h/S?querry=1", "querry"),
        ] {
            let error = endpoint(text).unwrap_err();
            assert_eq!(error.part(), part, "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let endpoint = HttpEndpoint::new("https://me:swordfish@h/a?key=swordfish").unwrap();
        assert!(!format!("{endpoint:?} {endpoint}").contains("swordfish"), "{endpoint:?}");
    }
}
