//! A sample of the matrix that has every row and every column.

use alluvium_test_harness::number;
use alluvium_test_service::matrix::{sample, tour};
use alluvium_test_service::program::Program;

#[test]
fn every_source_and_every_sink_is_exact_or_refuses() {
    let seed = number("ALLUVIUM_SEED").unwrap_or(1);
    let program = Program::find().expect("the command is built");
    let cells = sample(seed);
    let report = tour(&cells, cells.len(), seed, 4, &program);
    println!("{}", report.table());
    assert!(report.broken.is_empty(), "seed {seed}:\n{}", report.broken.join("\n"));
    assert_eq!(report.missing(), [""; 0], "rows and columns that the sample lacks");
}
