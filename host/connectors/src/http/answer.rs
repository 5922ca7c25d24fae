//! Answers of a server, and what they mean.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};

use crate::trouble::{Trouble, in_full};

/// How long a server may take to answer, and to send more of its answer.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// How much of what a server says about an error is shown.
const SAID_BYTES_MAX: usize = 200;

/// Why a request failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) trouble: Trouble,
    /// For how long the server asks to wait before the next attempt.
    pub(crate) retry_after: Option<Duration>,
    /// The status of the answer, and its headers, if there was one.
    pub(crate) answer: Option<Box<(StatusCode, HeaderMap)>>,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, retry_after: None, answer: None }
    }
}

/// Sends a request, and waits for the head of its answer.
pub(crate) async fn answer(request: RequestBuilder, within: Duration) -> Result<Response, Trouble> {
    match tokio::time::timeout(within, request.send()).await {
        Ok(answer) => answer.map_err(trouble),
        Err(_) => Err(Trouble::Lost(format!("the server did not answer within {within:?}"))),
    }
}

/// Returns an answer that says that it was done, or what it says instead.
pub(crate) async fn checked(mut answer: Response) -> Result<Response, Failure> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let headers = answer.headers().clone();
    let said = said(&mut answer).await;
    let what = if status.is_redirection() {
        let place = header(&headers, LOCATION.as_str()).unwrap_or_default();
        format!("the server answers {status} and points to {:?}: use that address", place.escape_ascii().to_string())
    } else {
        format!("the server answers {status}{said}")
    };
    let passes = status.is_server_error() && !matches!(status.as_u16(), 501 | 505)
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    let trouble = if passes { Trouble::Lost(what) } else { Trouble::Refused(what) };
    Err(Failure {
        trouble,
        retry_after: retry_after(&headers, Timestamp::now()),
        answer: Some(Box::new((status, headers))),
    })
}

/// Returns the next piece of an answer, or `None` at its end.
pub(crate) async fn piece(answer: &mut Response, within: Duration) -> Result<Option<Bytes>, Trouble> {
    match tokio::time::timeout(within, answer.chunk()).await {
        Ok(piece) => piece.map_err(trouble),
        Err(_) => Err(Trouble::Lost(format!("the answer stopped for {within:?}"))),
    }
}

/// Returns a header as bytes.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers.get(name).map(HeaderValue::as_bytes)
}

/// The beginning of what a server says about an error.
async fn said(answer: &mut Response) -> String {
    let mut said = Vec::new();
    while said.len() < SAID_BYTES_MAX
        && let Ok(Some(piece)) = piece(answer, Duration::from_secs(2)).await
    {
        said.extend_from_slice(&piece);
    }
    said.truncate(SAID_BYTES_MAX);
    let said = said.trim_ascii();
    if said.is_empty() { String::new() } else { format!(": \"{}\"", said.escape_ascii()) }
}

/// What a header `Retry-After` asks for: seconds, or a time.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = std::str::from_utf8(header(headers, RETRY_AFTER.as_str())?).ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    until.duration_since(now).try_into().ok()
}

/// What an error of the client means.
fn trouble(error: reqwest::Error) -> Trouble {
    // The address may have secrets in its query.
    let error = error.without_url();
    if error.is_redirect() || error.is_builder() || error.source().is_some_and(is_of_certificate) {
        Trouble::Refused(in_full(&error))
    } else {
        Trouble::lost(&error)
    }
}

/// Whether the certificate of the server is the cause. Connectors put errors of TLS into others of input and output,
/// whose `source` passes over them.
fn is_of_certificate(error: &(dyn Error + 'static)) -> bool {
    if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return true;
    }
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inner) => is_of_certificate(inner),
        None => error.source().is_some_and(is_of_certificate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_for_seconds_or_a_time() {
        let now = Timestamp::from_second(784_111_770).unwrap();
        let asked = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now)
        };
        assert_eq!(asked("120"), Some(Duration::from_mins(2)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:00 GMT"), None);
        assert_eq!((asked("soon"), asked("-1")), (None, None));
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
