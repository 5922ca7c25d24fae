//! A server of events that keeps them, and begins behind the id that a client names.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::http::{Request, Server, answer, begin_events, send};

/// Streams of events, each with its number as id.
#[derive(Default)]
struct Streams {
    events: Mutex<BTreeMap<String, Vec<String>>>,
    added: Condvar,
}

/// A server of events.
pub struct Events {
    streams: Arc<Streams>,
    server: Server,
}

impl Events {
    /// Starts a server without streams.
    pub fn start() -> Self {
        let streams = Arc::new(Streams::default());
        let kept = Arc::clone(&streams);
        let server = Server::start(move |_, request, stream| kept.serve(request, stream));
        Self { streams, server }
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Adds events to a stream, which begins with them if it is new.
    pub fn append(&self, name: &str, records: &[String]) {
        self.streams.events.lock().unwrap().entry(name.to_owned()).or_default().extend_from_slice(records);
        self.streams.added.notify_all();
    }

    /// Makes a stream another one, which begins with these events.
    pub fn replace(&self, name: &str, records: &[String]) {
        self.streams.events.lock().unwrap().insert(name.to_owned(), records.to_vec());
        self.streams.added.notify_all();
    }
}

impl Streams {
    fn serve(&self, request: &Request, stream: &mut TcpStream) {
        let name = request.path.trim_start_matches('/');
        let mut next: usize = request.headers.get("last-event-id").map_or(0, |id| id.parse::<usize>().unwrap() + 1);
        let mut events = self.events.lock().unwrap();
        if events.get(name).is_none_or(|events| next > events.len()) {
            return answer(stream, "409 Conflict", &[], "there is no such event");
        }
        begin_events(stream);
        loop {
            // The stream may be another one by now.
            let Some(new) = events[name].get(next..).map(<[String]>::to_vec) else { return };
            drop(events);
            for text in new {
                let data = text.replace('\n', "\ndata: ");
                if !send(stream, &format!("id: {next}\ndata: {data}\n\n")) {
                    return;
                }
                next += 1;
            }
            // A comment finds out whether the client is there.
            if !send(stream, ":\n\n") {
                return;
            }
            events = self.events.lock().unwrap();
            if events[name].len() == next {
                events = self.added.wait_timeout(events, Duration::from_secs(1)).unwrap().0;
            }
        }
    }
}
