//! `--listen`: what a run tells those who ask.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::cases::{HEADER, flights};
use crate::running::Running;
use crate::support::{Bench, alluvium, sum};

/// How long an answer may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Served {
    pub(crate) run: Running,
    address: String,
}

impl Served {
    fn start(bench: &Bench, input: &str, more: &[&str]) -> Self {
        Self::of(Running::start(bench, Path::new(input), &[&["--listen", "127.0.0.1:0"], more].concat()))
    }

    /// What was started with `--listen`.
    pub(crate) fn of(mut run: Running) -> Self {
        let url = run.wait_for("listening")["url"].as_str().expect("an address").to_owned();
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { run, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream
    }

    /// Sends bytes, and returns the whole answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        // A connection that is refused may be cut, also before all was sent.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).expect("text")
    }

    /// The status and the body of a page.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let answer = self.ask(&format!("GET {path} HTTP/1.1\r\nHost: alluvium\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, body.to_owned())
    }

    /// Waits until a page holds a text.
    pub(crate) fn wait_for(&self, path: &str, text: &str) -> String {
        loop {
            let (_, body) = self.get(path);
            if body.contains(text) {
                return body;
            }
        }
    }
}

#[test]
fn positions_lag_and_checkpoints_are_shown_while_it_runs() {
    let bench = Bench::new();
    let mut served = Served::start(&bench, "-", &["--checkpoint-every", "500", "--sync-interval", "50"]);
    served.run.write(&format!("{HEADER}{}", flights(0..1_200)));
    let labels = "input=\"input\",partition=\"\"";
    let metrics = served.wait_for("/metrics", &format!("alluvium_input_position_records{{{labels}}} 1200.0"));
    for line in [
        format!("alluvium_input_records_total{{{labels}}} 1200"),
        format!("alluvium_input_connected{{{labels}}} 1.0"),
        format!("alluvium_input_left_out_total{{{labels},why=\"refused\"}} 0"),
        "alluvium_ready 1.0".to_owned(),
        "# EOF".to_owned(),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is missing in\n{metrics}");
    }
    assert_eq!(metrics.matches("# EOF").count(), 1, "{metrics}");
    for name in [
        "alluvium_records_total{",
        "alluvium_call_seconds_bucket{",
        "alluvium_checkpoint_age_seconds ",
        "alluvium_watermark_timestamp_seconds 13570812",
        "alluvium_process_resident_memory_bytes ",
        "alluvium_wasm_memory_bytes ",
        "alluvium_input_watermark_timestamp_seconds{",
    ] {
        assert!(metrics.contains(&format!("\n{name}")), "{name} is missing in\n{metrics}");
    }
    assert_eq!(served.get("/health"), (200, "ok\n".to_owned()));
    assert_eq!(served.get("/ready"), (200, "ok\n".to_owned()));
    let (status, page) = served.get("/");
    assert_eq!(status, 200);
    for text in ["Ready.", "1,200", "2013-01-01T23:00:00Z", "standard input", "at least once", "2048 MiB"] {
        assert!(page.contains(text), "{text} is missing in\n{page}");
    }
    // Also what was read after the last checkpoint is in the one that the signal asks for.
    served.run.signal(rustix::process::Signal::TERM);
    let (code, told) = served.run.end();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(sum(&bench.dump(), "flights"), 1_200);
}

#[test]
fn an_input_whose_peer_is_gone_is_not_ready() {
    let bench = Bench::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
    let served = Served::start(
        &bench,
        &format!("tcp://{free}"),
        &["--format", "ndjson", "--columns", "carrier,origin,dest,dep_time,arr_delay,time_hour"],
    );
    let why = served.wait_for("/ready", &free.to_string());
    assert_eq!(served.get("/ready").0, 503, "{why}");
    assert_eq!(served.get("/health").0, 200);
    assert!(served.get("/").1.contains("Not ready"));
    served.run.signal(rustix::process::Signal::TERM);
    assert_eq!(served.run.end().0, Some(0));
}

#[test]
fn requests_that_are_none_end_nothing() {
    let bench = Bench::new();
    let mut served = Served::start(&bench, "-", &[]);
    assert_eq!(served.get("/nothing").0, 404);
    let answer = served.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    let endless = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    assert!(!served.ask(&endless).starts_with("HTTP/1.1 200 "));
    served.ask("\u{0}\r\n\r\n");
    // Those that say nothing hold no place for ever.
    let silent: Vec<TcpStream> = (0..64).map(|_| served.connect()).collect();
    assert_eq!(served.get("/health").0, 200);
    drop(silent);
    served.run.write(&format!("{HEADER}{}", flights(0..10)));
    let (code, told) = served.run.end();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("\"done\""), "{told}");
}

#[test]
fn names_that_others_chose_are_shown_as_text() {
    let bench = Bench::new();
    let name = "<script>alert(1)<\u{1b}[2J";
    std::os::unix::fs::symlink(crate::support::flights(), bench.path("flights.gz")).expect("a link");
    let served = Served::start(&bench, "-", &["--output", &crate::support::text(&bench.path(name))]);
    let page = served.wait_for("/", "&lt;script&gt;alert(1)&lt;\\u001b[2J");
    assert!(!page.contains("<script>") && !page.contains('\u{1b}'), "{page}");
    drop(served.run.end());
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its number").to_string();
    let bench = Bench::new();
    let done = alluvium(bench.run_arguments(&["--listen", &address]));
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains(&format!("--listen {address}: ")), "{}", done.err);
}
