//! `alluvium run --profile`: `perf` finds the functions of the plugin by their names.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::{Bench, Done, command, delays, flights, text};

/// Removes the file that belongs to a process, also if the test fails.
struct Map(PathBuf);

impl Drop for Map {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[test]
fn the_functions_of_the_plugin_have_names_and_addresses() {
    let bench = Bench::new();
    let (plugin, dir, input) = (text(&delays()), bench.dir_text(), text(&flights()));
    let run = ["run", &plugin, "--dir", &dir, "--input", &input, "--stop-after", "1000", "--no-results"];
    let child = command(run.iter().chain(&["--profile"])).stderr(Stdio::piped()).spawn().expect("it starts");
    let map = Map(PathBuf::from(format!("/tmp/perf-{}.map", child.id())));
    let done = Done::from(child.wait_with_output().expect("it ends"));
    assert_eq!(done.code, Some(0), "{done:?}");
    let lines = fs::read_to_string(&map.0).expect("a map");
    let named = lines.lines().filter(|line| line.contains("delays")).count();
    assert!(named > 3, "{named} of {} functions are those of the plugin", lines.lines().count());
    for line in lines.lines() {
        let mut parts = line.splitn(3, ' ');
        let mut number = || u64::from_str_radix(parts.next().unwrap_or_default().trim_start_matches("0x"), 16);
        assert!(number().is_ok() && number().is_ok(), "{line}");
    }
}
