//! The handler.

use bindings::alluvium::checkpoint::checkpoints::{Manager, OpenOptions};
use bindings::alluvium::checkpoint::types::Error;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::random::random::get_random_u64;

/// The bindings of the engine, which wit-bindgen generates.
mod bindings {
    #![allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all, clippy::pedantic)]

    wit_bindgen::generate!({
        inline: "
            package alluvium:counter;
            world handler {
                import alluvium:checkpoint/checkpoints@0.2.0;
            }
        ",
        path: "../../wit",
        world: "alluvium:counter/handler",
        generate_all,
    });
}

/// How often a request is tried that meets others.
const TRIES: u32 = 50;

/// The namespace that every state has.
const DEFAULT: u32 = 0;

/// The key of the number of all requests.
const ALL: &str = "all";

/// How many requests are remembered, so that one that was fenced can find out whether it is counted.
const RECENT: u64 = 1_024;

/// Several requests may begin the directory at the same time, so it always gets the same identity.
const STORE_ID: &[u8; 16] = b"request-counter!";

struct Counter;

wasip2::http::proxy::export!(Counter);

impl Guest for Counter {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        match count(path) {
            Ok(number) => answer(response, 200, &format!("{number}\n")),
            Err(why) => answer(response, 503, &format!("{why}\n")),
        }
    }
}

fn options() -> OpenOptions {
    OpenOptions {
        directory: std::env::var("ALLUVIUM_DIRECTORY").ok(),
        create: true,
        begin_beside_remains: false,
        store_id: Some(STORE_ID.to_vec()),
        // So that what a writer leaves that was killed never has the names of another one's files.
        writer: Some(get_random_u64()),
        checkpoint: None,
        allow_fallback: false,
        // Some older ones stay for requests that have just begun to read.
        max_retained: 8,
        interval_ms: 60_000,
        memory_limit_bytes: None,
        max_compaction_bytes: None,
        strict: true,
    }
}

/// Counts one request, and returns the number of requests to its path when that is durable.
fn count(path: &str) -> Result<u64, String> {
    let (token, mut tried, mut last) = (get_random_u64(), None, String::new());
    for _ in 0..TRIES {
        match try_to_count(path, token, &mut tried) {
            Ok(number) => return Ok(number),
            Err(Failed::Again(why)) => last = why,
            Err(Failed::Ends(why)) => return Err(why),
        }
    }
    Err(format!("{TRIES} tries have met other requests; at last: {last}"))
}

/// Why a request was not counted.
enum Failed {
    /// Other requests were in the way. The next try finds out whether this one is counted.
    Again(String),
    /// Something else.
    Ends(String),
}

/// Tries to count a request, unless an earlier try has counted it. `tried` is the place of the last try among all
/// requests.
fn try_to_count(path: &str, token: u64, tried: &mut Option<u64>) -> Result<u64, Failed> {
    // Other requests delete old checkpoints, maybe one that is being read here. Opening writes no count, so it may be
    // tried again.
    let manager = Manager::open(&options()).map_err(|error| Failed::Again(format!("{error:?}")))?;
    let ends = |error: Error| Failed::Ends(format!("{error:?}"));
    let all = number(&manager, ALL).map_err(ends)?;
    if let Some(place) = tried.filter(|place| *place <= all) {
        // A writer that is fenced has changed nothing, or others have built on what it wrote.
        if all - place >= RECENT {
            return Err(Failed::Ends("too many other requests came between two tries".to_owned()));
        }
        if number(&manager, &slot(place, "token")).map_err(ends)? == token {
            return number(&manager, &slot(place, "number")).map_err(ends);
        }
    }
    let (place, counted) = (all + 1, number(&manager, path).map_err(ends)? + 1);
    for (key, value) in
        [(ALL, place), (path, counted), (&*slot(place, "token"), token), (&*slot(place, "number"), counted)]
    {
        manager.put(DEFAULT, key.as_bytes(), &value.to_le_bytes()).map_err(ends)?;
    }
    *tried = Some(place);
    match manager.checkpoint(0) {
        Ok(_) => Ok(counted),
        Err(Error::Fenced(why)) => Err(Failed::Again(why)),
        // The checkpoint may exist, or not.
        Err(error) => Err(ends(error)),
    }
}

/// Returns the key of what is remembered of a recent request. Paths begin with a slash, so no path has such a key.
fn slot(place: u64, what: &str) -> String {
    format!("recent {} {what}", place % RECENT)
}

/// Returns the number under a key, or 0.
fn number(manager: &Manager, key: &str) -> Result<u64, Error> {
    let value = manager.get(DEFAULT, key.as_bytes())?;
    Ok(value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes))
}

/// Answers. If the client is gone, nothing can be done about it.
fn answer(response: ResponseOutparam, status: u16, text: &str) {
    let outgoing = OutgoingResponse::new(Fields::new());
    let body = outgoing.set_status_code(status).and_then(|()| outgoing.body());
    ResponseOutparam::set(response, Ok(outgoing));
    let Ok(body) = body else { return };
    if let Ok(stream) = body.write() {
        let _ = stream.blocking_write_and_flush(text.as_bytes());
    }
    let _ = OutgoingBody::finish(body, None);
}
