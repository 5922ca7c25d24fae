//! From one stream to another by a program that is killed at random moments: nothing is lost, nothing doubled.
//!
//! `ALLUVIUM_KILLS` sets how often it is killed, and `ALLUVIUM_SEED` the seed.

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use async_nats::jetstream::stream::Config;

use alluvium_test_servers::example::{self, expected, kill, number};
use alluvium_test_servers::nats::Server;

fn start(server: &Server, directory: &Path) -> Child {
    let address = format!("nats://127.0.0.1:{}", server.port());
    let waiting = directory.join("waiting");
    let output = format!("{address}/OUT?subject=out.counts&waiting={}", waiting.display());
    example::start(&format!("{address}/IN"), directory, &output)
}

#[test]
fn a_program_that_is_killed_at_any_moment_shows_each_count_once() {
    let (kills, seed) = (number("ALLUVIUM_KILLS", 12), number("ALLUVIUM_SEED", 1));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut server = Server::start();
    for (name, subjects) in [("IN", "in.>"), ("OUT", "out.>")] {
        server.create(Config { name: name.to_owned(), subjects: vec![subjects.to_owned()], ..Config::default() });
    }
    let directory = tempfile::tempdir().unwrap();
    let mut records = Vec::new();
    for kill_number in 0..kills {
        let more: Vec<String> =
            (0..random.usize(1..2_000)).map(|at| format!("word{} {}", random.u8(..23), records.len() + at)).collect();
        let program = start(&server, directory.path());
        server.publish("in.words", &more);
        records.extend(more);
        // A random moment, from the start of the program to its rest.
        std::thread::sleep(Duration::from_micros(random.u64(..250_000)));
        if random.u8(..4) == 0 {
            server.kill();
            std::thread::sleep(Duration::from_micros(random.u64(..30_000)));
            if random.bool() {
                server.restart();
            }
        }
        kill(program);
        server.restart_if_killed();
        println!("kill {kill_number} of seed {seed}: {} records", records.len());
    }
    let program = start(&server, directory.path());
    server.wait_for("OUT", records.len() as u64);
    kill(program);
    let (found, expected) = (server.content("OUT", "out.counts"), expected(&records));
    let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
    assert_eq!(differs.map(|at| (at, &found[at], &expected[at])), None, "seed {seed}");
    assert_eq!(found.len(), expected.len(), "seed {seed}");
}
