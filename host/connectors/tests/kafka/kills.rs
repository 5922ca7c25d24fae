//! From one topic to another by a program that is killed at random moments: nothing is lost, nothing doubled.
//!
//! `ALLUVIUM_KILLS` sets how often it is killed, and `ALLUVIUM_SEED` the seed.

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use alluvium_test_servers::example::{self, expected, kill, number};

use crate::cluster::Cluster;

/// The mock cluster keeps the newest 5 MiB of each partition.
const RECORDS_MAX: u64 = 40_000;

fn start(cluster: &Cluster, directory: &Path) -> Child {
    let waiting = directory.join("waiting");
    let output = format!("kafka://{}/out?waiting={}", cluster.address(), waiting.display());
    example::start(&format!("kafka://{}/in", cluster.address()), directory, &output)
}

#[test]
fn a_program_that_is_killed_at_any_moment_shows_each_count_once() {
    let (kills, seed) = (number("ALLUVIUM_KILLS", 12), number("ALLUVIUM_SEED", 1));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cluster = Cluster::with_topics(&["in", "out"]);
    let directory = tempfile::tempdir().unwrap();
    let records_max = usize::try_from((RECORDS_MAX / kills.max(1)).clamp(2, 2_000)).unwrap();
    let mut records = Vec::new();
    for kill_number in 0..kills {
        let more: Vec<String> = (0..random.usize(1..records_max))
            .map(|at| format!("word{} {}", random.u8(..23), records.len() + at))
            .collect();
        let program = start(&cluster, directory.path());
        cluster.publish("in", 0, &more);
        records.extend(more);
        // A random moment, from the start of the program to its rest.
        std::thread::sleep(Duration::from_micros(random.u64(..500_000)));
        let is_cut_off = random.u8(..4) == 0;
        if is_cut_off {
            cluster.down();
            std::thread::sleep(Duration::from_micros(random.u64(..30_000)));
        }
        let comes_back_before = is_cut_off && random.bool();
        if comes_back_before {
            cluster.up();
        }
        kill(program);
        if is_cut_off && !comes_back_before {
            cluster.up();
        }
        println!("kill {kill_number} of seed {seed}: {} records", records.len());
    }
    let program = start(&cluster, directory.path());
    cluster.wait_for("out", records.len());
    kill(program);
    let (found, expected) = (cluster.content("out"), expected(&records));
    let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
    assert_eq!(differs.map(|at| (at, &found[at], &expected[at])), None, "seed {seed}");
    assert_eq!(found.len(), expected.len(), "seed {seed}");
}
