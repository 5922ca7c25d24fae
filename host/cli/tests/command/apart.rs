//! What a run reads, what it writes, and its directory are apart: otherwise it is refused before anything is lost.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use crate::support::{Bench, Done, command, component, fails, ok, text};

const ROWS: &str = "origin,time_hour,temp\nEWR,2013-01-01T05:00:00Z,1\nEWR,2013-01-03T05:00:00Z,2\n";

/// A place with rows for the plugin `weather`, which has two outputs, and with a state that has consumed none of them.
fn bench() -> Bench {
    let bench = Bench::new();
    fs::write(bench.path("rows.csv"), ROWS).expect("a file");
    bench
}

/// The arguments of a run; what begins with `@` is a file of the bench.
fn arguments(bench: &Bench, more: &[&str]) -> Vec<String> {
    let placed = |argument: &&str| match argument.split_once('@') {
        Some((before, name)) => format!("{before}{}", text(&bench.path(name))),
        None => (*argument).to_owned(),
    };
    let plugin = text(&component("ALLUVIUM_WEATHER", "weather.wasm"));
    [vec!["run".to_owned(), plugin, "--dir".to_owned(), bench.dir_text()], more.iter().map(placed).collect()].concat()
}

/// It is refused with these words, and changes nothing.
#[track_caller]
fn refused(bench: &Bench, more: &[&str], words: &[&str]) {
    // The directory is there before, so that nothing new may be.
    if !bench.dir().exists() {
        ok(arguments(bench, &["--input", "@rows.csv", "--stop-after", "1"]));
    }
    fails(arguments(bench, more), bench.scratch.path(), words);
}

#[test]
fn metrics_replace_nothing_but_metrics() {
    let bench = bench();
    let input = ["--input", "@rows.csv", "--metrics"];
    refused(&bench, &[&input[..], &["@rows.csv"]].concat(), &["rows.csv: is the --input as well"]);
    fs::write(bench.path("letters"), "dear").expect("a file");
    refused(&bench, &[&input[..], &["@letters"]].concat(), &["letters: is there already, and is no file of metrics"]);
    symlink(bench.path("letters"), bench.path("link")).expect("a link");
    refused(&bench, &[&input[..], &["@link"]].concat(), &["link: is there already"]);
    refused(&bench, &[&input[..], &["@m", "--output", "@m"]].concat(), &["m: is the output windows and the metrics"]);
    refused(&bench, &[&input[..], &["@run/metrics"]].concat(), &["in the directory of the checkpoints"]);
    for _ in 0..2 {
        ok(arguments(&bench, &[&input[..], &["@m", "--output", "@o", "--stop-after", "1"]].concat()));
        assert!(fs::read_to_string(bench.path("m")).expect("metrics").starts_with("# HELP alluvium_"));
    }
}

#[test]
fn two_outputs_have_two_files() {
    let bench = bench();
    let both = |late: &'static str| ["--input", "@rows.csv", "--output", "windows=@out", "--output", late];
    for late in ["late=@out", "late=@./out", "late=@run/../out", "late=@out.pending"] {
        refused(&bench, &both(late), &["the output late", "the output windows", "give each a file of its own"]);
    }
    refused(&bench, &[&both("late=@out.1")[..], &["--rotate-output", "1000"]].concat(), &["out.1"]);
    fs::write(bench.path("o.pending"), ROWS).expect("a file");
    refused(&bench, &["--input", "@o.pending", "--output", "@o"], &["and that is read as --input"]);
    let dead = ["--input", "@rows.csv", "--output", "@out", "--on-error", "dead-letter=@out"];
    refused(&bench, &dead, &["is the output windows and the dead letters"]);
    for within in ["windows=@run/wal", "late=@run/segments"] {
        refused(&bench, &["--input", "@rows.csv", "--output", within], &["in the directory of the checkpoints"]);
    }
    ok(arguments(&bench, &["--input", "@rows.csv", "--output", "@out", "--output", "late=@late"]));
    assert_eq!(fs::read_to_string(bench.path("out")).expect("windows").lines().count(), 2);
}

#[test]
fn the_standard_input_is_one_input_and_no_output() {
    let bench = bench();
    let run = |more: &[&str]| -> Done {
        let input = File::open(bench.path("rows.csv")).expect("the rows");
        command(arguments(&bench, more)).stdin(input).output().expect("the command starts").into()
    };
    let done = run(&["--input", "-", "--output", "@rows.csv", "--overwrite"]);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("rows.csv: is the --input as well"), "{}", done.err);
    assert_eq!(fs::read_to_string(bench.path("rows.csv")).expect("the rows"), ROWS);
    let fleet = text(&component("ALLUVIUM_FLEET", "fleet.wasm"));
    let twice = ["run", &fleet, "--dir", &bench.dir_text(), "--input", "flights=-", "--input", "planes=-"];
    let done = command(twice).output().map(Done::from).expect("the command starts");
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("the standard input: is connected to two inputs"), "{}", done.err);
}

#[test]
fn a_last_record_without_a_line_end_is_left_out_as_any_other() {
    let bench = bench();
    fs::write(bench.path("rows.csv"), format!("{ROWS}EWR,2013-01-03T06:00:00Z,x")).expect("a file");
    let run = ["--input", "@rows.csv", "--output", "@out", "--on-error", "dead-letter=@dead"];
    ok(arguments(&bench, &run));
    let dead = fs::read_to_string(bench.path("dead")).expect("a dead letter");
    assert!(dead.lines().count() == 1 && dead.contains("\"record\":3"), "{dead}");
    assert_eq!(fs::read_to_string(bench.path("out")).expect("windows").lines().count(), 2);
}

#[test]
fn a_parameter_that_changes_is_told() {
    let bench = Bench::new();
    let plugin = text(&component("ALLUVIUM_OVERDUE", "overdue.wasm"));
    let run = |more: &[&str]| {
        let (input, dir) = (text(&crate::support::flights()), bench.dir_text());
        let fixed = ["run", &plugin, "--dir", &dir, "--input", &input, "--stop-after", "500"];
        let done = command([&fixed[..], more].concat()).output().map(Done::from).expect("the command starts");
        (done.code, done.err)
    };
    let told = "the parameter hours was 24 in the checkpoint, and is 48 from now on";
    let (code, said) = run(&["--param", "hours=24"]);
    assert!(code == Some(0) && !said.contains("the parameter hours"), "{said}");
    let (code, said) = run(&[]);
    assert!(code == Some(0) && said.contains(told), "{said}");
    let (code, said) = run(&[]);
    assert!(code == Some(0) && !said.contains("the parameter hours"), "{said}");
    let (code, said) = run(&["--param", "hours=1", "--param", "hours=2"]);
    assert!(code == Some(2) && said.contains("sets hours twice"), "{said}");
}
