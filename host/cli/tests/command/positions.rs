//! A run that was stopped continues with the next record, whatever the lines of its input end with.

use std::fs;
use std::path::Path;

use crate::support::{Bench, ok, sum};

/// The flights of four rows with CRLF. A checkpoint within them lies between a CR and its LF.
fn crlf() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/crlf.csv"))
}

/// Stops a run over `input` after every possible number of records. The run after it must have the rest.
#[track_caller]
fn check_every_stop(input: &Path, records: u64) {
    for stop in 1..records {
        let bench = Bench::new();
        ok(bench.run_over(input, &["--stop-after", &stop.to_string()]));
        assert_eq!(sum(&bench.dump(), "flights"), stop);
        ok(bench.run_over(input, &[]));
        assert_eq!(sum(&bench.dump(), "flights"), records, "stopped after {stop}");
    }
}

#[test]
fn lines_that_end_with_crlf() {
    let content = fs::read_to_string(crlf()).expect("the fixture");
    assert_eq!(content.matches('\r').count(), 5, "the fixture has lost its line ends");
    check_every_stop(crlf(), 4);
}
