//! The real stream: a month of flights through the plugin, whole, in parts, and interrupted.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Bench, Done, FLIGHTS, alluvium, command, ok, some_rows, sum, text};

/// The whole month at once: the measure of all other runs.
fn undisturbed(every: &str) -> (Bench, Done) {
    let bench = Bench::new();
    let done = alluvium(bench.run_arguments(&["--checkpoint-every", every, "--max-retained", "100"]));
    assert_eq!(done.code, Some(0), "{}", done.err);
    (bench, done)
}

#[test]
fn the_results_are_those_of_the_data() {
    let (bench, done) = undisturbed("1000");
    assert_eq!(sum(&bench.dump(), "flights"), FLIGHTS);
    let keys: Vec<String> = done
        .out
        .lines()
        .map(|line| {
            let result: Value = serde_json::from_str(line).expect("a JSON line");
            result["key"].as_str().expect("a key").to_owned()
        })
        .collect();
    assert!(keys.is_sorted() && !keys.is_empty(), "results are sorted by key");
    assert_eq!(keys.len(), bench.dump().lines().count());

    // Counted here from the text itself.
    let rows = some_rows(usize::MAX - 1);
    let of_route: Vec<Vec<&str>> = rows
        .lines()
        .skip(1)
        .map(|row| row.split(',').collect::<Vec<_>>())
        .filter(|row| (row[9], row[12], row[13]) == ("UA", "EWR", "IAH"))
        .collect();
    let delays: Vec<i64> = of_route.iter().filter_map(|row| row[8].parse().ok()).collect();
    let cancelled = of_route.iter().filter(|row| matches!(row[3], "NA" | "")).count();
    let line = done.out.lines().find(|line| line.contains("\"UA:EWR-IAH\"")).expect("the route");
    let found: Value = serde_json::from_str(line).expect("a JSON line");
    assert_eq!(found["flights"], of_route.len());
    assert_eq!(found["cancelled"], cancelled);
    assert_eq!(found["arr_delay_min"], delays.iter().sum::<i64>());
    assert_eq!(found["worst_arr_delay_min"], *delays.iter().max().expect("a delay"));
}

#[test]
fn checkpoints_write_what_changed() {
    let (bench, _) = undisturbed("1000");
    let checkpoints = bench.list();
    assert_eq!(checkpoints.len(), 28, "one for each thousand records, and the last");
    let newest = &checkpoints[0];
    assert_eq!(newest["source_offsets"]["input"], FLIGHTS);
    assert_eq!(newest["watermark"], 1_359_691_200_000_i64, "2013-02-01T04:00:00Z");
    let of = |checkpoint: &Value, name: &str| checkpoint["alluvium"][name].as_u64().expect("a number");
    let written: u64 = checkpoints.iter().map(|checkpoint| of(checkpoint, "bytes_written")).sum();
    let state = of(newest, "state_bytes");
    assert!(
        of(newest, "keys_changed") <= 4 && of(newest, "bytes_written") < state / 10,
        "four records, little written"
    );
    assert!(written < state * 28, "{written} bytes written for {state} bytes of state");
}

#[test]
fn a_second_run_finds_nothing_left_and_prints_the_same() {
    let (bench, first) = undisturbed("1000");
    let before = crate::support::files(&bench.dir());
    let second = alluvium(bench.run_arguments(&["--checkpoint-every", "1000", "--max-retained", "100"]));
    assert_eq!(second.code, Some(0), "{}", second.err);
    assert!(second.err.contains("nothing left to do") && second.err.contains("27,004"), "{}", second.err);
    assert!(second.out == first.out, "the same results");
    assert_eq!(crate::support::files(&bench.dir()), before, "and nothing written");
}

#[test]
fn in_parts_it_gives_what_it_gives_at_once() {
    let (whole, _) = undisturbed("1000");
    let bench = Bench::new();
    let output = text(&bench.path("results.ndjson"));
    for (part, seen) in [("1", "1 "), ("999", "1,000 "), ("12345", "13,345 ")] {
        let done =
            alluvium(bench.run_arguments(&["--checkpoint-every", "700", "--stop-after", part, "--output", &output]));
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert!(done.err.contains(&format!("stopped as asked after {seen}")), "{}", done.err);
        assert!(done.err.contains("To continue:\n") && done.err.contains(&bench.dir_text()), "{}", done.err);
        assert_eq!(done.out, "", "no results before the end");
        assert!(!bench.path("results.ndjson").exists());
    }
    assert_eq!(ok(bench.run_arguments(&["--output", &output])), "");
    assert!(bench.dump() == whole.dump(), "the same state");
    let results = fs::read_to_string(output).expect("the results");
    assert!(results == ok(whole.run_arguments(&[])), "the same results");
}

#[test]
fn plain_text_and_standard_input_give_the_same_as_gzip() {
    let (whole, _) = undisturbed("1000");
    let bench = Bench::new();
    let plain = bench.path("flights.csv");
    fs::write(&plain, some_rows(usize::MAX - 1)).expect("a file");
    ok(bench.run_over(&plain, &[]));
    assert!(bench.dump() == whole.dump(), "plain text");

    for name in [plain, crate::support::flights()] {
        let bench = Bench::new();
        let mut run = command(bench.run_over("-".as_ref(), &["--json"]));
        let done: Done = run.stdin(fs::File::open(name).expect("the input")).output().expect("it starts").into();
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert!(bench.dump() == whole.dump(), "standard input");
        let events: Vec<Value> = done.err.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
        assert_eq!(events.last().expect("an event")["event"], "done");
        assert_eq!(events.last().expect("an event")["records"], FLIGHTS);
    }
}

#[test]
fn an_interrupt_takes_a_last_checkpoint_and_says_how_to_go_on() {
    let bench = Bench::new();
    let mut child = command(bench.run_over("-".as_ref(), &["--json", "--checkpoint-every", "500"]))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    // The input never ends: only the interrupt can.
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(some_rows(1_600).as_bytes()).expect("it reads");
    let err = std::io::BufReader::new(child.stderr.take().expect("a pipe"));
    let mut events = std::io::BufRead::lines(err)
        .map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON lines"));
    let third = events.by_ref().find(|event| event["event"] == "checkpoint" && event["records"] == 1_500);
    assert!(third.is_some(), "three checkpoints before the interrupt");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is alive");
    let last = events.last().expect("a last event");
    assert_eq!(child.wait().expect("it ends").code(), Some(1), "it is not through");
    assert_eq!(last["event"], "interrupted");
    assert!(last["again"].as_str().expect("a command").contains("--checkpoint-every 500"), "{last}");
    let records = last["records"].as_u64().expect("a number");
    assert_eq!(sum(&bench.dump(), "flights"), records, "everything that it consumed is in the checkpoint");
    assert!(records >= 1_500 && bench.list()[0]["source_offsets"]["input"] == records);
    drop(input);
}
