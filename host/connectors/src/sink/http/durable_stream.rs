//! A sink that appends each epoch to a Durable Stream.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};

use super::deliveries::Deliveries;
use super::delivery::Delivery;
use super::resource::{Client, Judgement, Resource, check_line, lines};
use crate::address::{Address, AddressError};
use crate::http::{Failure, HttpEndpoint, Shared, header};
use crate::sink::outbox::{Outbox, Refusal, sink_over_outbox};
use crate::sink::waiting::Waiting;
use crate::sink::{Guarantee, SinkErrorKind as Kind};

/// A sink that appends the records of an epoch to a
/// [Durable Stream](https://github.com/durable-streams/durable-streams) in one request, exactly once.
///
/// If the stream is JSON (`application/json`), each record is a message, and must be JSON. Otherwise each record is
/// a line. The stream must be there.
///
/// It is an idempotent producer of the protocol: each request has an id that is drawn once (`Producer-Id`), the
/// number of the process (`Producer-Epoch`) and the number of the request (`Producer-Seq`). The server drops a
/// request that it has taken before. The next process has a higher number, and the server refuses what an earlier
/// one still sends; its error is [`Fenced`](super::super::SinkErrorKind::Fenced). Other producers may append to the
/// same stream.
///
/// What is not published waits in a directory of this machine, beside the checkpoints. The directory belongs to
/// this sink alone.
///
/// The promise ends where the server loses what it has acknowledged, or remembers its producers for less time than
/// a process is away. A server that stores records and producers in two steps may double the records of one request
/// if it crashes in between.
///
/// ```no_run
/// use alluvium_connectors::sink::{DurableStreamSink, Sink};
/// use alluvium_connectors::{Batch, HttpEndpoint};
///
/// let endpoint = HttpEndpoint::new("https://streams.example/alerts")?.token(std::env::var("STREAMS_TOKEN")?);
/// let mut sink = DurableStreamSink::new(endpoint, "state/alerts");
/// sink.recover(&[])?;                             // the tokens of the recovered checkpoint
/// sink.write(&Batch::of_raw([&br#"{"late":90}"#[..]]))?;
/// let token = sink.prepare()?;                   // durable in the directory
/// // … the checkpoint that holds the token is committed …
/// sink.publish(&token)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DurableStreamSink(Outbox<Deliveries<Producer>>);

impl DurableStreamSink {
    /// Returns the sink over a stream. Records wait in the directory. Nothing is connected yet.
    pub fn new(endpoint: HttpEndpoint, directory: impl Into<PathBuf>) -> Self {
        Self::waiting(endpoint, Waiting::in_directory(directory.into()))
    }

    fn waiting(endpoint: HttpEndpoint, waiting: Waiting) -> Self {
        let name = endpoint.to_string();
        let content_type = HeaderValue::from_static("");
        let producer = Producer { client: Client::new(endpoint), content_type };
        Self(Outbox::new(name, Deliveries::to(producer), waiting))
    }

    /// Returns the sink that an address `durable-stream+https://HOST/PATH?waiting=DIRECTORY` or
    /// `durable-stream+http://HOST/PATH?waiting=DIRECTORY` stands for, with the options `query`, `ca` and
    /// `retry-for`.
    pub fn from_url(address: &str) -> Result<Self, AddressError> {
        Self::at(address, true)
    }

    /// Returns the sink at an address, which may have to say where records wait.
    pub(in crate::sink) fn at(address: &str, names_place: bool) -> Result<Self, AddressError> {
        let mut address = Address::parse(address)?;
        let endpoint = HttpEndpoint::take_from(&mut address, "durable-stream+")?;
        let waiting = Waiting::take_from(&mut address, names_place)?;
        address.finish()?;
        Ok(Self::waiting(endpoint, waiting))
    }

    /// Returns the directory of this machine in which records wait, if they do.
    pub fn directory(&self) -> Option<&Path> {
        self.0.directory()
    }
}

sink_over_outbox!(DurableStreamSink);

/// A producer of a stream.
#[derive(Debug)]
struct Producer {
    client: Client,
    /// What the stream says that it is, from the first look on.
    content_type: HeaderValue,
}

impl Producer {
    fn is_json(&self) -> bool {
        let essence = self.content_type.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
    }

    /// The records as the stream takes them.
    fn body(&self, records: &[&[u8]]) -> Bytes {
        if !self.is_json() {
            return lines(records);
        }
        let mut body = vec![b'['];
        body.extend_from_slice(&records.join(&b','));
        body.push(b']');
        body.into()
    }
}

impl Resource for Producer {
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn look(&mut self) -> Result<(), Refusal> {
        let url = self.client.endpoint().url().clone();
        let request = move |shared: &Shared| shared.request(Method::HEAD, url.clone());
        let headers = self.client.send(request, judge)?;
        if header(&headers, "stream-next-offset").is_none() {
            let what = "its answer has no Stream-Next-Offset: it is no durable stream";
            return Err(Refusal::of(Kind::Open, what));
        }
        if header(&headers, "stream-closed").is_some_and(|value| value.eq_ignore_ascii_case(b"true")) {
            return Err(Refusal::of(Kind::Open, CLOSED));
        }
        let binary = HeaderValue::from_static("application/octet-stream");
        self.content_type = headers.get(CONTENT_TYPE).cloned().unwrap_or(binary);
        Ok(())
    }

    fn check(&self, record: &[u8]) -> Result<(), String> {
        if !self.is_json() {
            return check_line(record);
        }
        let checked = serde_json::from_slice::<serde::de::IgnoredAny>(record);
        checked.map(drop).map_err(|error| format!("a record is no JSON, and the stream takes nothing else: {error}"))
    }

    fn deliver(&mut self, delivery: &Delivery, records: &[&[u8]]) -> Result<(), Refusal> {
        let (url, body, content_type) =
            (self.client.endpoint().url().clone(), self.body(records), self.content_type.clone());
        let delivery = delivery.clone();
        let request = move |shared: &Shared| {
            shared
                .request(Method::POST, url.clone())
                .header(CONTENT_TYPE, content_type.clone())
                .header("producer-id", format!("alluvium-{}", delivery.id))
                .header("producer-epoch", delivery.session)
                .header("producer-seq", delivery.number)
                .body(body.clone())
        };
        self.client.send(request, judge).map(drop)
    }
}

const CLOSED: &str = "the stream is closed: nothing can be appended to it";

/// What a failure means by the protocol.
fn judge(failure: Failure) -> Judgement {
    let Some((status, headers)) = failure.answer.as_deref() else { return Judgement::Failure(failure) };
    let has = |headers: &HeaderMap, name| header(headers, name).is_some();
    let (kind, what) = match *status {
        StatusCode::NOT_FOUND => (Kind::Open, "there is no such stream (404 Not Found)".to_owned()),
        StatusCode::GONE => (Kind::Open, "the stream is deleted (410 Gone)".to_owned()),
        StatusCode::FORBIDDEN if has(headers, "producer-epoch") => {
            (Kind::Fenced, "a later process of this sink appends to the stream now".to_owned())
        }
        StatusCode::CONFLICT if has(headers, "producer-expected-seq") => {
            let what = "the server does not know the requests before: the stream was deleted and made again, or its \
                        server has lost what it had acknowledged";
            (Kind::Missing, what.to_owned())
        }
        StatusCode::CONFLICT if has(headers, "stream-closed") => (Kind::Open, CLOSED.to_owned()),
        _ => return Judgement::Failure(failure),
    };
    Judgement::Final(kind, what)
}
