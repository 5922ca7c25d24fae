//! From one stream to another by a program that is killed at random moments: nothing is lost, nothing doubled.
//!
//! `ALLUVIUM_KILLS` sets how often it is killed, and `ALLUVIUM_SEED` the seed.

use alluvium_test_servers::durable_streams::Streams;
use alluvium_test_servers::events::Events;
use alluvium_test_servers::example::{self, expected, kill, number};
use alluvium_test_servers::target::Target;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::soon;

fn start(input: &str, output: &str, directory: &Path) -> Child {
    let waiting = directory.join("waiting");
    example::start(input, directory, &format!("{output}waiting={}", waiting.display()))
}

fn some_records(random: &mut fastrand::Rng, before: usize) -> Vec<String> {
    (0..random.usize(1..2_000)).map(|at| format!("word{} {}", random.u8(..23), before + at)).collect()
}

/// Waits until the program has sent all records, by the note that it keeps.
fn wait_for_all(directory: &Path, records: &[String]) {
    let note = directory.join("waiting/delivery");
    let end = format!(" {}\n", records.len());
    let give_up = soon();
    let is_done = |note: String| note.contains(" sent ") && note.ends_with(&end);
    while !std::fs::read_to_string(&note).is_ok_and(is_done) {
        assert!(Instant::now() < give_up, "{} records were not sent", records.len());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn compare(found: &[String], records: &[String], seed: u64) {
    let expected = expected(records);
    let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
    assert_eq!(differs.map(|at| (at, &found[at], &expected[at])), None, "seed {seed}");
    assert_eq!(found.len(), expected.len(), "seed {seed}");
}

#[test]
fn events_become_requests_that_each_count_once() {
    let (kills, seed) = (number("ALLUVIUM_KILLS", 12), number("ALLUVIUM_SEED", 1));
    let mut random = fastrand::Rng::with_seed(seed);
    let (events, target) = (Events::start(), Target::start(true));
    let directory = tempfile::tempdir().unwrap();
    let input = format!("sse+http://127.0.0.1:{}/in", events.port());
    let output = format!("http://127.0.0.1:{}/out?key=honoured&", target.port());
    let mut records = Vec::new();
    events.append("in", &[]);
    for _ in 0..kills {
        let more = some_records(&mut random, records.len());
        let program = start(&input, &output, directory.path());
        events.append("in", &more);
        records.extend(more);
        // A random moment, from the start of the program to its rest.
        std::thread::sleep(Duration::from_micros(random.u64(..250_000)));
        kill(program);
    }
    let program = start(&input, &output, directory.path());
    wait_for_all(directory.path(), &records);
    kill(program);
    compare(&target.lines("out"), &records, seed);
}

#[test]
fn a_durable_stream_becomes_another_in_which_each_count_is_once() {
    let (kills, seed) = (number("ALLUVIUM_KILLS", 12), number("ALLUVIUM_SEED", 1));
    let mut random = fastrand::Rng::with_seed(seed);
    // The server is not killed: it stores records and what it knows of producers in two steps.
    let server = Streams::start();
    server.create("in", "text/plain");
    server.create("out", "text/plain");
    let directory = tempfile::tempdir().unwrap();
    let address = format!("durable-stream+http://127.0.0.1:{}", server.port());
    let (input, output) = (format!("{address}/in"), format!("{address}/out?"));
    let mut records = Vec::new();
    for _ in 0..kills {
        let more = some_records(&mut random, records.len());
        let program = start(&input, &output, directory.path());
        server.append("in", "text/plain", more.join("\n") + "\n");
        records.extend(more);
        std::thread::sleep(Duration::from_micros(random.u64(..250_000)));
        kill(program);
    }
    let program = start(&input, &output, directory.path());
    wait_for_all(directory.path(), &records);
    kill(program);
    let found: Vec<String> = server.content("out").lines().map(str::to_owned).collect();
    compare(&found, &records, seed);
}
