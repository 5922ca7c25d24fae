//! The command between two streams at full speed, killed every few seconds; `service-endurance` is the long form.

use std::time::Duration;

use alluvium_test_harness::number;
use alluvium_test_service::endurance::endure;
use alluvium_test_service::program::Program;

#[test]
fn every_line_comes_once_at_full_speed() {
    let seed = number("ALLUVIUM_SEED").unwrap_or(1);
    let program = Program::find().expect("the command is built");
    let endured = endure(&program, Duration::from_secs(8), Duration::from_secs(2), seed);
    let endured = endured.unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    println!("{}", endured.sentence());
    assert!(endured.kills >= 3 && endured.records > 1_000, "{endured:?}");
}
