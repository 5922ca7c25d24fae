//! Structured logs and errors: what `--json` writes to the standard error.

use serde_json::Value;

use crate::support::{Bench, Done, alluvium, command};

fn events(done: &Done) -> Vec<Value> {
    done.err.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

#[test]
fn each_line_is_an_event_with_its_time_and_its_level() {
    let bench = Bench::new();
    let done = alluvium(bench.run_arguments(&["--json", "--stop-after", "1500", "--checkpoint-every", "500"]));
    let events = events(&done);
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["begun", "checkpoint", "checkpoint", "checkpoint", "stopped"]);
    let mut last = None;
    for event in &events {
        let time: jiff::Timestamp = event["time"].as_str().expect("a time").parse().expect("RFC 3339");
        assert!(last <= Some(time), "{event}");
        last = Some(time);
        assert_eq!(event["level"], "info", "{event}");
    }
}

#[test]
fn an_error_is_an_event_too() {
    let bench = Bench::new();
    for (arguments, words) in [
        (bench.run_arguments(&["--json", "--engine", "/nowhere"]), "/nowhere"),
        (bench.run_arguments(&["--json", "--checkpoint-every", "often"]), "often"),
        (bench.run_arguments(&["--json", "--no-such-option"]), "--no-such-option"),
        (vec!["list".to_owned(), "--json".to_owned(), "/nowhere".to_owned()], "/nowhere"),
        (vec!["verify".to_owned(), "/nowhere".to_owned(), "--json".to_owned()], "/nowhere"),
    ] {
        let done = alluvium(&arguments);
        assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.err);
        let events = events(&done);
        let last = events.last().expect("an event");
        assert_eq!((&last["event"], &last["level"]), (&"failed".into(), &"error".into()), "{last}");
        assert!(last["error"].as_str().is_some_and(|error| error.contains(words)), "{last}");
    }
}

#[test]
fn help_stays_help() {
    let done: Done = command(["run", "--json", "--help"]).output().expect("it starts").into();
    assert!(done.code == Some(0) && done.out.contains("--checkpoint-every"), "{done:?}");
}
