//! Outputs that are closed, moved, shared, or no files.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::support::{Bench, Done, alerts, alluvium, command, ok, text};

/// Flights of which every tenth is very late.
fn input(bench: &Bench, count: u32) -> String {
    let rows = (0..count).map(|number| super::flight(number, if number % 10 == 0 { 200 } else { 1 }));
    let path = bench.path("input.csv");
    fs::write(&path, format!("{}{}", super::HEADER, rows.collect::<String>())).expect("a file");
    text(&path)
}

fn arguments(bench: &Bench, input: &str, more: &[&str]) -> Vec<String> {
    let (plugin, dir) = (text(&alerts()), bench.dir_text());
    let fixed = ["run", &plugin, "--dir", &dir, "--input", input, "--checkpoint-every", "100"];
    fixed.iter().chain(more).map(|&argument| argument.to_owned()).collect()
}

/// What an undisturbed run writes.
fn expected(count: u32, more: &[&str]) -> String {
    let bench = Bench::new();
    let input = input(&bench, count);
    let output = text(&bench.path("out"));
    ok(arguments(&bench, &input, &[&["--output", &output], more].concat()));
    fs::read_to_string(output).expect("a file")
}

#[test]
fn what_a_closed_pipe_does_not_take_is_shown_again() {
    let bench = Bench::new();
    let input = input(&bench, 60_000);
    let mut child = command(arguments(&bench, &input, &["--no-results"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut out = child.stdout.take().expect("a pipe");
    let mut taken = vec![0; 4_096];
    out.read_exact(&mut taken).expect("it writes");
    drop(out);
    let done: Done = child.wait_with_output().expect("it ends").into();
    assert!(done.code == Some(2) && done.err.contains("standard output: its reader is gone"), "{}", done.err);
    let rest = ok(arguments(&bench, &input, &["--no-results"]));
    // Lines that the pipe took and its reader did not are lost with the reader: a pipe holds 64 KiB.
    let expected = expected(60_000, &["--no-results"]);
    assert!(!rest.is_empty() && expected.ends_with(&rest));
    assert!(rest.len() + 4_096 + (128 << 10) > expected.len(), "{} of {}", rest.len(), expected.len());
}

#[test]
fn an_output_is_neither_the_input_nor_the_file_of_another_stream() {
    let bench = Bench::new();
    let input = input(&bench, 300);
    let before = fs::read(&input).expect("it reads");
    let done = alluvium(arguments(&bench, &input, &["--output", &input]));
    assert!(done.code == Some(2) && done.err.contains("is the --input as well"), "{}", done.err);
    assert_eq!(fs::read(&input).expect("it reads"), before);

    let other = bench.path("other");
    fs::write(&other, "of another stream\n").expect("a file");
    let fresh = Bench::new();
    let into_other = ["--output", &text(&other)];
    let done = alluvium(arguments(&fresh, &input, &into_other));
    assert!(done.code == Some(2) && done.err.contains("--overwrite"), "{}", done.err);
    assert_eq!(fs::read_to_string(&other).expect("it reads"), "of another stream\n");
    ok(arguments(&fresh, &input, &[&into_other[..], &["--overwrite"]].concat()));
    assert_eq!(fs::read_to_string(&other).expect("it reads"), expected(300, &[]));

    // A run that has its own output already is given another's.
    let (bench, out) = (Bench::new(), fresh.path("out"));
    ok(arguments(&bench, &input, &["--output", &text(&out), "--stop-after", "200"]));
    let done = alluvium(arguments(&bench, &input, &["--output", &text(&other)]));
    assert!(done.code == Some(0) || done.code == Some(2), "{}", done.err);
    let own = expected(300, &[]);
    assert_eq!(fs::read_to_string(&other).expect("it reads"), own, "the same stream, or nothing is changed");
    fs::write(&other, own.replace("200", "201")).expect("a file");
    let done = alluvium(arguments(&bench, &input, &["--output", &text(&other)]));
    assert!(done.code == Some(2) && done.err.contains("is another file"), "{}", done.err);
    assert_eq!(fs::read_to_string(&other).expect("it reads"), own.replace("200", "201"));
}

#[test]
fn an_output_that_was_moved_away_is_an_error_until_a_new_one_is_asked_for() {
    let bench = Bench::new();
    let input = input(&bench, 600);
    let out = bench.path("out");
    let output = ["--output", &text(&out), "--no-results"];
    ok(arguments(&bench, &input, &[&output[..], &["--stop-after", "300"]].concat()));
    fs::rename(&out, bench.path("moved")).expect("it moves");
    let done = alluvium(arguments(&bench, &input, &output));
    assert!(done.code == Some(2) && done.err.contains("--new-output"), "{}", done.err);
    ok(arguments(&bench, &input, &[&output[..], &["--new-output"]].concat()));
    let both =
        fs::read_to_string(bench.path("moved")).expect("it reads") + &fs::read_to_string(&out).expect("it reads");
    assert_eq!(both, expected(600, &["--no-results"]));
}

#[test]
fn an_output_is_rotated_between_checkpoints_and_complete() {
    let bench = Bench::new();
    let input = input(&bench, 2_000);
    let out = bench.path("out");
    for stop in ["300", "700", "5000"] {
        let more = ["--output", &text(&out), "--no-results", "--rotate-output", "2000", "--stop-after", stop];
        ok(arguments(&bench, &input, &more));
    }
    let parts = (1..).map(|number| bench.path(&format!("out.{number}"))).take_while(|path| path.exists());
    let mut all: String = parts.map(|path| fs::read_to_string(path).expect("it reads")).collect();
    assert!(all.len() > 4_000, "several parts");
    all += &fs::read_to_string(&out).unwrap_or_default();
    assert_eq!(all, expected(2_000, &["--no-results"]));
}

#[test]
fn devices_stay_devices_and_links_and_modes_stay() {
    let bench = Bench::new();
    let input = input(&bench, 300);
    ok(arguments(&bench, &input, &["--output", "/dev/null"]));
    assert!(!Path::new("/dev/null").metadata().expect("it is there").is_file());

    let bench = Bench::new();
    let (out, link) = (bench.path("out"), bench.path("link"));
    fs::write(&out, "").expect("a file");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o600)).expect("a mode");
    std::os::unix::fs::symlink(&out, &link).expect("a link");
    ok(arguments(&bench, &input, &["--output", &text(&link)]));
    assert!(link.symlink_metadata().expect("it is there").is_symlink());
    assert_eq!(out.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&out).expect("it reads"), expected(300, &[]));
}

#[test]
fn after_going_back_the_files_that_were_rotated_later_are_named_and_nothing_is_doubled() {
    let bench = Bench::new();
    let input = input(&bench, 2_000);
    let out = bench.path("out");
    let more = ["--output", &text(&out), "--no-results", "--rotate-output", "1", "--max-retained", "20"];
    ok(arguments(&bench, &input, &more));
    ok(bench.over_dir("restore", &["3"]));
    let done = alluvium(arguments(&bench, &input, &more));
    assert!(done.code == Some(2) && done.err.contains("move these files to another directory"), "{}", done.err);
    let (_, named) = done.err.split_once("written again: ").expect("the files");
    let named: Vec<_> = named.lines().next().expect("a line").split(", ").collect();
    assert!(named.len() > 1, "{named:?}");
    for path in &named {
        fs::remove_file(path).expect("it is there");
    }
    ok(arguments(&bench, &input, &more));
    let parts = (1..).map(|number| bench.path(&format!("out.{number}"))).take_while(|path| path.exists());
    let all: String = parts.map(|path| fs::read_to_string(path).expect("it reads")).collect();
    assert_eq!(all, expected(2_000, &["--no-results"]));
}

#[test]
fn a_file_that_was_rotated_after_the_checkpoint_is_cut_back() {
    let bench = Bench::new();
    let input = input(&bench, 1_900);
    // Each file has the output of several checkpoints, and its path is relative.
    let more = ["--output", "out", "--no-results", "--rotate-output", "2000", "--max-retained", "20"];
    let run = || -> Done {
        let mut command = command(arguments(&bench, &input, &more));
        command.current_dir(bench.scratch.path()).output().expect("it starts").into()
    };
    assert_eq!(run().code, Some(0));
    ok(bench.over_dir("restore", &["2"]));
    let done = run();
    assert!(done.code == Some(2) && done.err.contains("/out.2, "), "{}", done.err);
    for path in (2..).map(|number| bench.path(&format!("out.{number}"))).take_while(|path| path.exists()) {
        fs::remove_file(path).expect("it is there");
    }
    let done = run();
    assert!(done.code == Some(2) && done.err.contains("out.1 has what the checkpoint stands for"), "{}", done.err);
    fs::remove_file(bench.path("out")).expect("it is there");
    assert_eq!(run().code, Some(0));
    let parts = (1..).map(|number| bench.path(&format!("out.{number}"))).take_while(|path| path.exists());
    let all: String = parts.chain([bench.path("out")]).filter_map(|path| fs::read_to_string(path).ok()).collect();
    assert_eq!(all, expected(1_900, &["--no-results"]));
}
