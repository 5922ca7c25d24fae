//! A client that callers without a runtime use.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Method, RequestBuilder};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::task::JoinHandle;
use url::Url;

use super::HttpEndpoint;
use crate::background::Background;

/// How long it may take to connect.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How many other places a server may point to in a row.
const REDIRECTS_MAX: usize = 5;

/// What follows when a server points to another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    Follow,
    /// The answer is handed on: what is sent must not become something else on its way.
    Refuse,
}

/// A client, and the thread that it lives on.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    background: Background,
}

/// What tasks have of a client.
#[derive(Debug)]
pub(crate) struct Shared {
    client: Client,
    endpoint: HttpEndpoint,
}

impl Connection {
    /// Returns a client. It connects when it is needed.
    pub(crate) fn new(endpoint: HttpEndpoint, redirects: Redirects) -> io::Result<Self> {
        let background = Background::new("alluvium-http")?;
        let policy = match redirects {
            Redirects::Follow => Policy::custom(follow),
            Redirects::Refuse => Policy::none(),
        };
        let client = Client::builder()
            .user_agent("alluvium")
            .tls_backend_preconfigured(tls(&endpoint)?)
            .redirect(policy)
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIME_MAX)
            // They find out that a peer has vanished without a word.
            .tcp_keepalive(Duration::from_secs(30))
            .tcp_keepalive_interval(Duration::from_secs(10))
            .tcp_keepalive_retries(3)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self { shared: Arc::new(Shared { client, endpoint }), background })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs a task beside the caller.
    pub(crate) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.background.spawn(task)
    }

    /// Waits for a task, which ends by itself.
    pub(crate) fn wait<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> T {
        self.background.wait(task)
    }
}

impl Shared {
    pub(crate) fn endpoint(&self) -> &HttpEndpoint {
        &self.endpoint
    }

    /// Begins a request, with the login.
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.endpoint.log_in(self.client.request(method, url))
    }
}

/// Follows a few redirects, and none that leaves or enters TLS.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let first = attempt.previous().first().map(|url| url.scheme().to_owned());
    if first.is_some_and(|scheme| scheme != attempt.url().scheme()) {
        let what = format!("it points to an address with {}: use that address", attempt.url().scheme());
        attempt.error(what)
    } else if attempt.previous().len() > REDIRECTS_MAX {
        attempt.error(format!("it points from one place to another more than {REDIRECTS_MAX} times"))
    } else {
        attempt.follow()
    }
}

/// The certificates to trust, with the same cryptography as the other connectors.
fn tls(endpoint: &HttpEndpoint) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if endpoint.url().scheme() == "https" {
        // One that cannot be read is none to trust. Without any, the error of the connection says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(path) = endpoint.certificates_file() {
        let failed = |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
            roots.add(certificate.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth())
}
