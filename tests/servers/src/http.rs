//! A small HTTP server, each of whose connections does what a test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request. The names of headers are in lower case.
#[derive(Debug, Clone)]
pub struct Request {
    /// As `GET`.
    pub method: String,
    /// With the query.
    pub path: String,
    /// By name.
    pub headers: BTreeMap<String, String>,
    /// What follows the headers.
    pub body: String,
}

/// Returns a client that knows nothing of what is tested.
pub fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let roots = rustls::RootCertStore::empty();
    let tls = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    reqwest::Client::builder().tls_backend_preconfigured(tls.with_no_client_auth()).no_proxy().build().unwrap()
}

/// A server on a free port of this machine.
pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server. `answer` gets the number of each request, which counts from zero. The connection is closed
    /// when it returns.
    pub fn start(answer: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some(request) = read(&stream) else { return };
                    let number = {
                        let mut kept: std::sync::MutexGuard<'_, Vec<Request>> = kept.lock().unwrap();
                        kept.push(request.clone());
                        kept.len() - 1
                    };
                    answer(number, &request, &mut stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { port, requests }
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the requests that came.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers with a status, headers and a body.
pub fn answer(stream: &mut TcpStream, status: &str, headers: &[&str], body: &str) {
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    // The client may be gone.
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
}

/// Begins an answer of events, which lasts until the connection is closed.
pub fn begin_events(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes());
}

/// Sends a piece of an answer, and returns whether the client was there.
pub fn send(stream: &mut TcpStream, piece: &str) -> bool {
    stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).is_ok()
}

/// Ends an answer in an orderly way.
pub fn end(stream: &mut TcpStream) {
    let _ = stream.write_all(b"0\r\n\r\n");
}

/// Waits until the client has gone.
pub fn wait_for_close(stream: &mut TcpStream) {
    while let Ok(1..) = stream.read(&mut [0; 64]) {}
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body: String::from_utf8(body).unwrap() })
}
