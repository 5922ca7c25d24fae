//! A sink that sends each epoch to a resource, with a key.

use std::path::{Path, PathBuf};

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};

use super::deliveries::Deliveries;
use super::delivery::Delivery;
use super::resource::{Client, Judgement, Resource, check_line, lines};
use crate::address::{Address, AddressError};
use crate::http::HttpEndpoint;
use crate::sink::Guarantee;
use crate::sink::outbox::{Outbox, Refusal, sink_over_outbox};
use crate::sink::waiting::Waiting;
use crate::trouble::Trouble;

/// A sink that sends the records of an epoch to a resource in one request, as lines.
///
/// Each request has a header `Idempotency-Key: ID-COUNT`. The id is drawn once, when a new stream of records begins.
/// The count is how many records have been sent with the request. After a lost answer or a crash, the same records
/// are sent again with the same key. So the records arrive exactly once if the target keeps keys and answers a
/// repeated one without doing it again, and at least once otherwise. The sink cannot find out which of them its
/// target is: [`HttpSinkOptions::honours_key`] says so, and [`guarantee`](crate::sink::Sink::guarantee) repeats it.
///
/// What is not published waits in a directory of this machine, beside the checkpoints. The directory belongs to
/// this sink alone: a second process is refused.
///
/// A request is done if the answer is a success. The sink waits and sends it again if the answer is 408, 409 (which
/// says that the request before is still being worked on), 425, 429 or a server error, for as long as the patience
/// of [`Retry`](crate::Retry) goes; `Retry-After` is heard. Every other answer is an error, also a redirect.
///
/// ```no_run
/// use alluvium_connectors::sink::{HttpSink, HttpSinkOptions, Sink};
/// use alluvium_connectors::{Batch, HttpEndpoint};
///
/// let endpoint = HttpEndpoint::new("https://api.example/alerts")?.token(std::env::var("API_TOKEN")?);
/// let mut sink = HttpSink::new(endpoint, "state/alerts", HttpSinkOptions::default().honours_key(true));
/// sink.recover(&[])?;                             // the tokens of the recovered checkpoint
/// sink.write(&Batch::of_raw([&br#"{"late":90}"#[..]]))?;
/// let token = sink.prepare()?;                   // durable in the directory
/// // … the checkpoint that holds the token is committed …
/// sink.publish(&token)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HttpSink(Outbox<Deliveries<Requests>>);

/// How records are sent.
///
/// ```
/// use alluvium_connectors::sink::{HttpMethod, HttpSinkOptions};
///
/// let options = HttpSinkOptions::default().method(HttpMethod::Put).content_type("text/plain").honours_key(true);
/// assert_ne!(options, HttpSinkOptions::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpSinkOptions {
    method: HttpMethod,
    content_type: String,
    honours_key: bool,
}

/// The method of the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
}

impl Default for HttpSinkOptions {
    /// Returns `POST` of newline-delimited JSON (`application/x-ndjson`), to a target that does not know keys.
    fn default() -> Self {
        Self { method: HttpMethod::Post, content_type: "application/x-ndjson".to_owned(), honours_key: false }
    }
}

impl HttpSinkOptions {
    /// Sets the method.
    #[must_use]
    pub fn method(self, method: HttpMethod) -> Self {
        Self { method, ..self }
    }

    /// Sets what the requests say that the lines are.
    #[must_use]
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: content_type.into(), ..self }
    }

    /// Says that the target answers a request whose key it has seen without doing it again. Then the sink promises
    /// [`ExactlyOnce`](Guarantee::ExactlyOnce).
    #[must_use]
    pub fn honours_key(self, honours_key: bool) -> Self {
        Self { honours_key, ..self }
    }

    fn take_from(address: &mut Address) -> Result<Self, AddressError> {
        let mut options = Self::default();
        let methods = [("post", HttpMethod::Post), ("put", HttpMethod::Put)];
        options.method = address.take_word("method", &methods)?.unwrap_or(options.method);
        if let Some(content_type) = address.take("content-type")? {
            HeaderValue::from_str(&content_type).map_err(|error| address.error("content-type", error.to_string()))?;
            options.content_type = content_type;
        }
        let words = [("honoured", true), ("ignored", false)];
        options.honours_key = address.take_word("key", &words)?.unwrap_or(options.honours_key);
        Ok(options)
    }
}

impl HttpSink {
    /// Returns the sink over a resource. Records wait in the directory. Nothing is connected yet.
    pub fn new(endpoint: HttpEndpoint, directory: impl Into<PathBuf>, options: HttpSinkOptions) -> Self {
        Self::waiting(endpoint, Waiting::in_directory(directory.into()), options)
    }

    fn waiting(endpoint: HttpEndpoint, waiting: Waiting, options: HttpSinkOptions) -> Self {
        let name = endpoint.to_string();
        let requests = Requests { client: Client::new(endpoint), options };
        Self(Outbox::new(name, Deliveries::to(requests), waiting))
    }

    /// Returns the sink that an address `https://HOST/PATH?waiting=DIRECTORY` or `http://HOST/PATH?waiting=DIRECTORY`
    /// stands for, with the options `method`, `content-type`, `key`, `query`, `ca` and `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        Self::at(address, true)
    }

    /// Returns the sink at an address, which may have to say where records wait.
    pub(in crate::sink) fn at(address: &str, names_place: bool) -> Result<Self, AddressError> {
        let mut address = Address::parse(address)?;
        let endpoint = HttpEndpoint::take_from(&mut address, "")?;
        let options = HttpSinkOptions::take_from(&mut address)?;
        let waiting = Waiting::take_from(&mut address, names_place)?;
        address.finish()?;
        Ok(Self::waiting(endpoint, waiting, options))
    }

    /// Returns the directory of this machine in which records wait, if they do.
    pub fn directory(&self) -> Option<&Path> {
        self.0.directory()
    }
}

sink_over_outbox!(HttpSink);

/// Requests with a key.
#[derive(Debug)]
struct Requests {
    client: Client,
    options: HttpSinkOptions,
}

impl Resource for Requests {
    fn guarantee(&self) -> Guarantee {
        if self.options.honours_key { Guarantee::ExactlyOnce } else { Guarantee::AtLeastOnce }
    }

    fn look(&mut self) -> Result<(), Refusal> {
        // There is no request that every resource answers without doing something.
        Ok(())
    }

    fn check(&self, record: &[u8]) -> Result<(), String> {
        check_line(record)
    }

    fn deliver(&mut self, delivery: &Delivery, records: &[&[u8]]) -> Result<(), Refusal> {
        let (url, body) = (self.client.endpoint().url().clone(), lines(records));
        let (key, content_type) = (format!("{}-{}", delivery.id, delivery.end), self.options.content_type.clone());
        let method = match self.options.method {
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
        };
        let request = move |shared: &crate::http::Shared| {
            let request = shared.request(method.clone(), url.clone()).header("idempotency-key", &key);
            request.header(CONTENT_TYPE, &content_type).body(body.clone())
        };
        let sent = self.client.send(request, |mut failure| {
            let is_conflict = failure.answer.as_ref().is_some_and(|answer| answer.0 == StatusCode::CONFLICT);
            if is_conflict && let Trouble::Refused(what) = failure.trouble {
                failure.trouble = Trouble::Lost(what);
            }
            Judgement::Failure(failure)
        });
        sent.map(drop)
    }
}
