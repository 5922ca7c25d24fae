//! The example, which cargo builds with the tests of the package.

use std::path::Path;
use std::process::Command;

#[test]
fn the_example_counts_the_flights_of_each_route() {
    let folder = tempfile::tempdir().unwrap();
    let (input, job) = (folder.path().join("flights.csv"), folder.path().join("job"));
    let flight = |flight: usize| format!("{flight},JFK,{}", ["LAX", "BOS"][flight % 2]);
    let lines: Vec<String> = std::iter::once("flight,origin,dest".to_owned()).chain((0..450).map(flight)).collect();
    std::fs::write(&input, lines.join("\n")).unwrap();
    let own = std::env::current_exe().unwrap();
    let example = own.parent().and_then(Path::parent).unwrap().join("examples/counts");
    let output = Command::new(example).arg(&job).arg(&input).arg("2").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("generation 1 ended, all inputs read: true\n"));
    let hundreds = std::fs::read_to_string(folder.path().join("job.hundreds")).unwrap();
    assert_eq!(hundreds, "JFK-LAX 100\nJFK-BOS 100\nJFK-LAX 200\nJFK-BOS 200\n");
}
