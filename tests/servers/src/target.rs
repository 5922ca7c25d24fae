//! A target of requests with keys, which keeps what it got.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use crate::http::{Request, Server, answer};

/// What a target does with a request instead of taking it and saying so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// It takes the request, and its answer is lost.
    AnswerLost,
    /// The connection is lost before it takes the request.
    RequestLost,
    /// It refuses the request with this status.
    Status(&'static str),
}

#[derive(Default)]
struct Content {
    /// The lines of each path.
    lines: BTreeMap<String, Vec<String>>,
    /// The keys of each path.
    keys: BTreeSet<(String, String)>,
    /// What comes next, from the last to the first.
    faults: Vec<Fault>,
}

/// A target of requests.
pub struct Target {
    content: Arc<Mutex<Content>>,
    server: Server,
}

impl Target {
    /// Starts a target, which takes a request with a key that it knows as done if it honours keys.
    pub fn start(honours_keys: bool) -> Self {
        let content = Arc::new(Mutex::new(Content::default()));
        let kept = Arc::clone(&content);
        let server = Server::start(move |_, request, stream| kept.lock().unwrap().take(request, stream, honours_keys));
        Self { content, server }
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Returns the requests that came.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// Lets the next requests fail.
    pub fn fail(&self, faults: &[Fault]) {
        self.content.lock().unwrap().faults = faults.iter().rev().copied().collect();
    }

    /// Returns the lines of a path.
    pub fn lines(&self, path: &str) -> Vec<String> {
        self.content.lock().unwrap().lines.get(&format!("/{path}")).cloned().unwrap_or_default()
    }
}

impl Content {
    fn take(&mut self, request: &Request, stream: &mut TcpStream, honours_keys: bool) {
        let fault = self.faults.pop();
        match fault {
            Some(Fault::RequestLost) => return,
            Some(Fault::Status(status)) => return answer(stream, status, &["location: /elsewhere"], "no"),
            Some(Fault::AnswerLost) | None => {}
        }
        let is_new = self.keys.insert((request.path.clone(), request.headers["idempotency-key"].clone()));
        if is_new || !honours_keys {
            self.lines.entry(request.path.clone()).or_default().extend(request.body.lines().map(str::to_owned));
        }
        if fault.is_none() {
            answer(stream, "201 Created", &[], "");
        }
    }
}
