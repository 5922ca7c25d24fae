//! `--listen ADDRESS`: the server of the status page, the metrics and the probes. It changes nothing.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use crate::failure::Failure;

/// How many connections are served at a time. Others wait.
const CONNECTIONS_MAX: usize = 32;

/// How long one connection may take.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// How long a client may take for the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// The most bytes of the head of a request.
const HEAD_BYTES: usize = 16 << 10;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the server shows.
pub(in crate::run) trait Shown: Send + Sync + 'static {
    /// Returns the page.
    fn page(&self) -> String;
    /// Returns the metrics as `OpenMetrics`.
    fn metrics(&self) -> String;
    /// Why it does not work as it should, if so.
    fn unhealthy(&self) -> Option<String>;
    /// Why it does not process records now, if so.
    fn unready(&self) -> Option<String>;
}

/// Serves on an address, in a thread of its own, until the process ends. Returns the address, whose port the
/// system chose if it was 0.
pub(in crate::run) fn listen(address: SocketAddr, shown: impl Shown) -> Result<SocketAddr, Failure> {
    let failed = |error| Failure::at(format!("--listen {address}"), error);
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(failed)?
    };
    let serving = move || runtime.block_on(serve(listener, Arc::new(shown)));
    std::thread::Builder::new()
        .name("status".to_owned())
        .spawn(serving)
        .map_err(|error| Failure::thread("a thread for the status page", &error))?;
    Ok(bound)
}

async fn serve(listener: tokio::net::TcpListener, shown: Arc<impl Shown>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Too many descriptors are open, as a rule. Others are closed meanwhile.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let shown = Arc::clone(&shown);
        tokio::spawn(async move {
            let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request, &*shown))));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_buf_size(HEAD_BYTES)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // What goes wrong on a connection is its client's business.
            let _ = tokio::time::timeout(CONNECTION_TIME, connection).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, shown: &impl Shown) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n".to_owned());
    }
    match request.uri().path() {
        "/" => response(StatusCode::OK, HTML, shown.page()),
        "/metrics" => response(StatusCode::OK, OPEN_METRICS, shown.metrics()),
        "/health" => probed(shown.unhealthy()),
        "/ready" => probed(shown.unready()),
        _ => response(StatusCode::NOT_FOUND, TEXT, "there are /, /metrics, /health and /ready\n".to_owned()),
    }
}

/// The answer to a probe: what is wrong, if something is.
fn probed(trouble: Option<String>) -> Response<Full<Bytes>> {
    match trouble {
        None => response(StatusCode::OK, TEXT, "ok\n".to_owned()),
        Some(why) => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{why}\n")),
    }
}

fn response(status: StatusCode, form: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
