//! A bounded sample of every scenario of the catalogue; the long form is `torture --minutes M`.

use alluvium_test_harness::backups::backups;
use alluvium_test_harness::partial::files_missing;
use alluvium_test_harness::tally::Budget;
use alluvium_torture::scenarios::{
    crash, damage, decode, dropped, errors, hostile, injected, interleaved, kill, limits, many_names, model, native,
    retention, schedules, space, sparse, unknown_files, writers,
};

#[test]
fn scenario_1_crash_at_every_call() {
    crash::every_call_of_every_workload(Budget::sample(80)).assert(500);
}

#[test]
fn scenario_1_power_failure_after_every_system_call() {
    native::power_fails_after_every_system_call(Budget::sample(16)).assert(500);
}

#[test]
fn scenario_1_the_native_directory_is_certified() {
    native::certified(Budget::sample(1)).assert(300);
}

#[test]
fn scenario_2_crash_within_recovery() {
    crash::recovery_crashes_twice(Budget::sample(16)).assert(100);
}

#[test]
fn scenario_3_every_call_fails() {
    errors::every_call_fails(Budget::sample(20)).assert(500);
}

#[test]
fn scenario_3_every_system_call_fails() {
    native::every_system_call_fails(Budget::sample(150)).assert(100);
}

#[test]
fn scenario_3_refused_calls_of_the_command() {
    injected::every_refused_call_of_the_command(Budget::sample(40)).assert(40);
}

#[test]
fn scenario_4_seeded_simulation() {
    model::seeds(Budget::sample(1_000)).assert(1_000);
}

#[test]
fn scenario_5_every_bit_flipped() {
    damage::flips(Budget::sample(4_000)).assert(4_000);
}

#[test]
fn scenario_6_files_cut_and_swapped() {
    damage::cuts_and_swaps(Budget::sample(4_000)).assert(3_000);
}

#[test]
fn scenario_7_unknown_files() {
    unknown_files::unknown_files(Budget::sample(1_000)).assert(100);
}

#[test]
fn scenario_8_retention_with_crashes() {
    retention::nothing_kept_is_deleted(Budget::sample(60)).assert(60);
}

#[test]
fn scenario_9_two_writers() {
    writers::the_stale_writer_resumes(Budget::sample(1_000)).assert(336);
}

#[test]
fn scenario_9_taken_over_at_every_call() {
    interleaved::taken_over_at_every_call(Budget::sample(10_000)).assert(90);
}

#[test]
fn scenario_9_every_order_of_two_writers() {
    schedules::every_order_of_two_writers(Budget::sample(60)).assert(3_000);
}

#[test]
fn scenario_10_clocks() {
    limits::clocks(Budget::sample(100)).assert(47);
}

#[test]
fn scenario_11_maxima() {
    limits::maxima(Budget::sample(100)).assert(30);
}

#[test]
fn scenario_12_hostile_metadata() {
    hostile::hostile_metadata(Budget::sample(1_000)).assert(80);
}

#[test]
fn scenario_12_hostile_ranges() {
    hostile::hostile_ranges(Budget::sample(1_000)).assert(49);
}

#[test]
fn scenario_13_odd_files() {
    hostile::odd_files(Budget::sample(1_000)).assert(40);
}

#[test]
fn scenario_14_killed_at_random_moments() {
    kill::killed_at_random_moments(Budget::sample(200)).assert(200);
}

#[test]
fn scenario_15_a_full_disk() {
    space::a_full_disk(Budget::sample(100)).assert(100);
}

#[test]
fn scenario_18_every_decoder() {
    decode::every_decoder(Budget::sample(4_000)).assert(4_000);
}

#[test]
fn scenario_18_the_corpus() {
    decode::corpus(Budget::sample(1)).assert(20);
}

#[test]
fn scenario_20_files_missing() {
    files_missing(Budget::sample(20)).assert(500);
}

#[test]
fn scenario_21_sparse_files() {
    sparse::sparse_files(Budget::sample(10_000)).assert(100);
}

#[test]
fn scenario_21_many_names() {
    many_names::many_names(Budget::sample(6)).assert(60);
}

#[test]
fn scenario_24_dropped_in_random_histories() {
    dropped::dropped_at_every_await(Budget::sample(30)).assert(1_000);
}

#[test]
fn scenario_27_backups() {
    backups(Budget::sample(40)).assert(2_000);
}
