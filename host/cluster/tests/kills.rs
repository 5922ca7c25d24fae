//! Real processes of a job that are killed and stopped at random, with other numbers of processes and workers each
//! time. `ALLUVIUM_CLUSTER_KILLS` says how many kills there are, and `ALLUVIUM_SEED` which.

#![allow(clippy::cast_possible_truncation, reason = "the numbers are small")]

mod support;

use std::time::{Duration, Instant};

use alluvium_cluster::{JobStatus, NativeStorage};
use support::{Cluster, Numbers, Scratch, number};

/// How long a process may live after another one of its job was killed.
const BOUND: Duration = Duration::from_secs(20);

#[test]
fn kills_and_stale_processes_change_neither_state_nor_output() {
    let kills_wanted = number("ALLUVIUM_CLUSTER_KILLS", 25);
    let mut numbers = Numbers::new(number("ALLUVIUM_SEED", 1));
    let (mut kills, mut jobs) = (0, 0);
    while kills < kills_wanted {
        let scratch = Scratch::new(6, 2_000, numbers.below(1 << 20));
        let mut zombies: Vec<Cluster> = Vec::new();
        loop {
            let layout = (1 + numbers.below(3) as usize, 1 + numbers.below(2) as usize);
            let mut cluster = Cluster::start(&scratch, layout);
            let epochs = numbers.below(12);
            if !cluster.wait_for_epochs(epochs as usize) {
                // It ended by itself: at the end of its inputs, or with an error, which would be one too many.
                let ended = cluster.wait(BOUND);
                if ended.is_finished {
                    break;
                }
                panic!("a rightful generation stopped by itself: {}", ended.messages);
            }
            // Somewhere within an epoch.
            std::thread::sleep(Duration::from_micros(numbers.below(8_000)));
            match numbers.below(4) {
                // Before the first epoch, the others may still wait for the one that was killed to come back.
                0 | 1 if epochs > 0 => {
                    // One is killed, and the others end by themselves.
                    let killed = numbers.below(cluster.count() as u64) as usize;
                    cluster.kill(killed);
                    kills += 1;
                    let begun = Instant::now();
                    let ended = cluster.wait(BOUND);
                    assert!(begun.elapsed() < BOUND, "{}", ended.messages);
                }
                // One that has not claimed the job is not stale: it would claim it later, and rightly.
                3 if epochs > 0 => {
                    // All are stopped, another generation takes over, and they continue at some time after that.
                    cluster.stop_all();
                    zombies.push(cluster);
                }
                _ => {
                    kills += cluster.count() as u64;
                    cluster.kill_all();
                }
            }
            if zombies.len() > 1 {
                let mut zombie = zombies.remove(0);
                zombie.continue_all();
                kills += zombie.count() as u64;
                zombie.kill_all_after(Duration::from_millis(numbers.below(60)));
            }
        }
        for mut zombie in zombies {
            zombie.continue_all();
            // It ends with an error, unless it was stopped after it had committed the last epoch.
            zombie.wait(BOUND);
        }
        let output = std::fs::read_to_string(scratch.output()).unwrap_or_default();
        assert_eq!(output, scratch.expected_output(), "the output of the job, after {kills} kills");
        let status = JobStatus::read(&NativeStorage::new(scratch.job())).unwrap().unwrap();
        assert_eq!((status.manifest.keys(), status.manifest.digest()), scratch.expected_state(), "after {kills} kills");
        jobs += 1;
    }
    println!("{kills} kills in {jobs} jobs, 0 wrong states, 0 wrong outputs, 0 rightful generations fenced");
}

#[test]
fn any_number_of_workers_gives_the_same_output_and_state() {
    for layout in [(1, 1), (1, 3), (2, 1), (3, 2)] {
        let scratch = Scratch::new(5, 1_500, 7);
        let ended = Cluster::start(&scratch, layout).wait(Duration::from_mins(1));
        assert!(ended.is_finished, "{layout:?}: {}", ended.messages);
        assert_eq!(std::fs::read_to_string(scratch.output()).unwrap(), scratch.expected_output(), "{layout:?}");
        let status = JobStatus::read(&NativeStorage::new(scratch.job())).unwrap().unwrap();
        assert_eq!((status.manifest.keys(), status.manifest.digest()), scratch.expected_state(), "{layout:?}");
        // A job that has finished has nothing to do, and says so.
        let again = Cluster::start(&scratch, layout).wait(Duration::from_mins(1));
        assert!(again.is_finished && again.messages.contains("generation 0"), "{layout:?}: {}", again.messages);
    }
}
