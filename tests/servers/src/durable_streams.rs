//! A real server of Durable Streams with a store of its own, which can be killed and started again.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A server of Durable Streams.
pub struct Streams {
    store: TempDir,
    port: u16,
    process: Option<Child>,
    /// Runs the client of the test.
    runtime: Runtime,
    client: reqwest::Client,
}

/// Where `make durable-streams` has npm install the server.
fn packages() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let mut folders = program.ancestors().map(|folder| folder.join("durable-streams"));
    let found = folders.find(|folder| folder.join("node_modules").is_dir());
    found
        .unwrap_or_else(|| panic!("no durable-streams with packages above {}: make durable-streams", program.display()))
}

impl Streams {
    /// Starts a server on a free port of this machine.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = crate::http::client();
        let mut server = Self { store: tempfile::tempdir().unwrap(), port: 0, process: None, runtime, client };
        server.restart();
        server
    }

    /// Starts a server that has been killed, over the same store and on the same port.
    pub fn restart(&mut self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/server.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(packages()).arg(self.store.path()).arg(self.port.to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("node does not start: {error}"));
        let output = BufReader::new(process.stdout.take().unwrap());
        self.process = Some(process);
        let mut lines = output.lines().map(Result::unwrap);
        self.port = lines.find_map(|line| line.parse().ok()).expect("the server says its port");
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Starts the server again if it has been killed.
    pub fn restart_if_killed(&mut self) {
        if self.process.is_none() {
            self.restart();
        }
    }

    /// Ends the server as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Returns the port, which stays the same.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends a request of a client that knows nothing of sources and sinks, and returns status and body.
    pub fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> (u16, String) {
        let url = format!("http://127.0.0.1:{}/{path}", self.port);
        let mut request = self.client.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    fn must(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) {
        let (status, text) = self.request(method, path, headers, body);
        assert!((200..300).contains(&status), "{path}: {status} {text}");
    }

    /// Creates a stream of this type.
    pub fn create(&self, name: &str, content_type: &str) {
        self.must(Method::PUT, name, &[("content-type", content_type)], String::new());
    }

    /// Deletes a stream.
    pub fn delete(&self, name: &str) {
        self.must(Method::DELETE, name, &[], String::new());
    }

    /// Appends bytes to a stream of this type.
    pub fn append(&self, name: &str, content_type: &str, body: impl Into<String>) {
        self.must(Method::POST, name, &[("content-type", content_type)], body.into());
    }

    /// Appends texts to a stream of JSON.
    pub fn append_json(&self, name: &str, records: &[String]) {
        self.append(name, "application/json", serde_json::to_string(records).unwrap());
    }

    /// Says that nothing will be appended any more.
    pub fn close(&self, name: &str) {
        self.must(Method::POST, name, &[("stream-closed", "true")], String::new());
    }

    /// Lets the next requests for a stream fail.
    pub fn fail(&self, name: &str, fault: &str) {
        let body = format!("{{\"path\":\"/{name}\",{fault}}}");
        self.must(Method::POST, "_test/inject-error", &[], body);
    }

    /// Returns what is in a stream.
    pub fn content(&self, name: &str) -> String {
        let (status, text) = self.request(Method::GET, name, &[], String::new());
        assert_eq!(status, 200, "{text}");
        text
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.kill();
    }
}
