//! Where deliveries go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;

use super::delivery::Delivery;
use crate::http::{Connection, Failure, HttpEndpoint, Redirects, Shared, answer, checked};
use crate::retry::Outage;
use crate::sink::outbox::Refusal;
use crate::sink::{Guarantee, SinkErrorKind as Kind};
use crate::trouble::Trouble;

/// How long a resource may take to do what a request asks for.
const DONE_TIME_MAX: Duration = Duration::from_mins(2);

/// What takes deliveries. A delivery that is sent again is the same request.
pub(super) trait Resource: Send {
    /// What it promises when a delivery is sent again.
    fn guarantee(&self) -> Guarantee;

    /// Looks at the resource before anything is sent to it.
    fn look(&mut self) -> Result<(), Refusal>;

    /// Returns what is wrong with a record, if the resource cannot have it.
    fn check(&self, record: &[u8]) -> Result<(), String>;

    /// Sends a delivery with these records, and waits until it is done.
    fn deliver(&mut self, delivery: &Delivery, records: &[&[u8]]) -> Result<(), Refusal>;
}

/// A client of a resource.
#[derive(Debug)]
pub(super) struct Client {
    endpoint: HttpEndpoint,
    /// There from the first look on.
    connection: Option<Connection>,
}

impl Client {
    pub(super) fn new(endpoint: HttpEndpoint) -> Self {
        Self { endpoint, connection: None }
    }

    pub(super) fn endpoint(&self) -> &HttpEndpoint {
        &self.endpoint
    }

    fn connection(&mut self) -> Result<&Connection, Refusal> {
        if self.connection.is_none() {
            let connection = Connection::new(self.endpoint.clone(), Redirects::Refuse);
            let refused = |error: std::io::Error| Refusal::of(Kind::Open, error.to_string());
            self.connection = Some(connection.map_err(refused)?);
        }
        self.connection.as_ref().ok_or_else(|| Refusal::of(Kind::Open, "there is no client"))
    }

    /// Sends a request until it succeeds, for as long as there is patience, and returns what the head of the answer
    /// says. `judge` says what a failure means.
    pub(super) fn send(
        &mut self,
        request: impl Fn(&Shared) -> RequestBuilder + Send + 'static,
        judge: impl Fn(Failure) -> Judgement + Send + 'static,
    ) -> Result<HeaderMap, Refusal> {
        let connection = self.connection()?;
        let shared = Arc::clone(connection.shared());
        connection.wait(async move {
            let mut outage = Outage::new(shared.endpoint().retries());
            loop {
                let failure = match once(request(&shared)).await {
                    Ok(headers) => return Ok(headers),
                    Err(failure) => failure,
                };
                let failure = match judge(failure) {
                    Judgement::Final(kind, what) => return Err(Refusal::Final(kind, what)),
                    Judgement::Failure(failure) => failure,
                };
                if matches!(failure.trouble, Trouble::Refused(_)) {
                    return Err(failure.trouble.into());
                }
                let now = Instant::now();
                let pause = outage.failed_until(now, failure.retry_after);
                if outage.is_too_long(now) {
                    return Err(failure.trouble.into());
                }
                tokio::time::sleep(pause).await;
            }
        })
    }
}

/// What a failure means to a resource.
pub(super) enum Judgement {
    Final(Kind, String),
    Failure(Failure),
}

async fn once(request: RequestBuilder) -> Result<HeaderMap, Failure> {
    let answer = checked(answer(request, DONE_TIME_MAX).await?).await?;
    // What else it says is not read.
    Ok(answer.headers().clone())
}

/// The records of a delivery as lines.
pub(super) fn lines(records: &[&[u8]]) -> Bytes {
    let mut body = Vec::with_capacity(records.iter().map(|record| record.len() + 1).sum());
    for record in records {
        body.extend_from_slice(record);
        body.push(b'\n');
    }
    body.into()
}

/// Refuses a record that would be more than one line.
pub(super) fn check_line(record: &[u8]) -> Result<(), String> {
    match memchr::memchr(b'\n', record) {
        None => Ok(()),
        Some(at) => Err(format!("a record has a line end at byte {at}, and each record is one line")),
    }
}
