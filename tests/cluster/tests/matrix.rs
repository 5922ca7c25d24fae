//! A sample of the matrix: every input, every storage, and every event at least once. `ALLUVIUM_CLUSTER_KILLS` says how
//! many kills there are in each cell, and `ALLUVIUM_SEED` which.

use alluvium_test_cluster::cells::{Cell, Event};
use alluvium_test_cluster::inputs::Kind as Input;
use alluvium_test_cluster::matrix::run;
use alluvium_test_cluster::storage::Kind as Storage;
use alluvium_test_servers::example::number;

fn sample(input: Input, storage: Storage, event: Event) {
    let (kills, seed) = (number("ALLUVIUM_CLUSTER_KILLS", 5), number("ALLUVIUM_SEED", 1));
    let cell = Cell { input, storage, event };
    if let Some(done) = run(cell, kills, seed) {
        println!("{cell}, seed {seed}: {done:?}, 0 wrong states, 0 wrong outputs, 0 rightful generations fenced");
    }
}

#[test]
fn files_on_a_native_directory_and_one_process_is_killed() {
    sample(Input::Files, Storage::Native, Event::KillOne);
}

#[test]
fn files_on_moto_and_another_number_of_workers_each_time() {
    sample(Input::Files, Storage::Moto, Event::Rescale);
}

#[test]
fn jetstream_on_a_native_directory_and_stale_generations_that_continue() {
    sample(Input::JetStream, Storage::Native, Event::StopAll);
}

#[test]
fn jetstream_on_moto_and_all_processes_are_killed() {
    sample(Input::JetStream, Storage::Moto, Event::KillAll);
}

#[test]
fn kafka_on_a_native_directory_and_another_number_of_workers_each_time() {
    sample(Input::Kafka, Storage::Native, Event::Rescale);
}

#[test]
fn kafka_on_moto_and_one_process_is_killed() {
    sample(Input::Kafka, Storage::Moto, Event::KillOne);
}
