//! Inputs and outputs that go wrong at their edges: the result is exact, or an error names the place.

mod files;
mod pipes;
mod sinks;
mod sources;

use std::fs;

/// The columns that the delays plugin reads.
pub(crate) const HEADER: &str = "carrier,origin,dest,dep_time,arr_delay,time_hour\n";

/// A flight as a line, `delay` minutes late.
fn flight(number: u32, delay: i64) -> String {
    format!("AA,EWR,IAH,{number},{delay},2013-01-01T{:02}:00:00Z\n", number % 24)
}

pub(crate) fn flights(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|number| flight(number, 5)).collect()
}

fn append(path: &std::path::Path, text: &str) {
    use std::io::Write;
    fs::File::options().append(true).open(path).expect("it opens").write_all(text.as_bytes()).expect("it writes");
}
