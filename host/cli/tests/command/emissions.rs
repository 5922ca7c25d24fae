//! Exactly once to the outside, and durable between checkpoints: a plugin that emits a line for each
//! late flight, killed again and again, over an input in which reading continues by seeking.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Bench, alerts, alluvium, command, flights, ok, text};

/// The month of flights as a plain file.
fn plain(bench: &Bench) -> String {
    let path = bench.path("flights.csv");
    let mut decoder = flate2::read::GzDecoder::new(fs::File::open(flights()).expect("it opens"));
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).expect("it decompresses");
    fs::write(&path, bytes).expect("it writes");
    text(&path)
}

fn arguments(bench: &Bench, input: &str, more: &[&str]) -> Vec<String> {
    let (plugin, dir, output) = (text(&alerts()), bench.dir_text(), text(&bench.path("out.ndjson")));
    let fixed = ["run", &plugin, "--dir", &dir, "--input", input, "--output", &output, "--json"];
    fixed.iter().chain(more).map(|&argument| argument.to_owned()).collect()
}

fn output(bench: &Bench) -> String {
    fs::read_to_string(bench.path("out.ndjson")).unwrap_or_default()
}

/// Kills runs at random moments until one comes to its end; how many were killed.
fn kill_until_done(bench: &Bench, input: &str, more: &[&str], random: &mut fastrand::Rng, expected: &str) -> u32 {
    let mut kills = 0;
    loop {
        let mut child = command(arguments(bench, input, more))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        for _ in 0..random.u32(..6) {
            err.read_line(&mut line).expect("it reads");
        }
        std::thread::sleep(Duration::from_micros(random.u64(..30_000)));
        child.kill().expect("a signal");
        let mut rest = String::new();
        err.read_to_string(&mut rest).expect("it reads");
        let status = child.wait().expect("it ends");
        assert!(!rest.contains("error: "), "{rest}");
        let seen = output(bench);
        assert!(status.success() || expected.starts_with(&seen), "something was shown that is not of the stream");
        if status.success() {
            return kills;
        }
        kills += 1;
    }
}

#[test]
fn what_is_emitted_is_seen_once_however_often_it_is_killed() {
    let seed = std::env::var("ALLUVIUM_SEED").map_or(3, |seed| seed.parse().expect("ALLUVIUM_SEED is a number"));
    let mut random = fastrand::Rng::with_seed(seed);
    let undisturbed = Bench::new();
    let input = plain(&undisturbed);
    ok(arguments(&undisturbed, &input, &["--checkpoint-every", "1000"]));
    let expected = output(&undisturbed);
    assert!(expected.lines().count() > 1_000, "a winter month has more late flights");

    for more in [
        &["--checkpoint-every", "400"][..],
        &["--checkpoint-every", "5000", "--sync-every", "250"],
        &["--checkpoint-every", "9000", "--sync-interval", "2"],
    ] {
        let mut kills = 0;
        while kills < 7 {
            let bench = Bench::new();
            kills += kill_until_done(&bench, &input, more, &mut random, &expected);
            assert!(output(&bench) == expected, "seed {seed}, {more:?}: another output after {kills} kills");
            assert!(bench.dump() == undisturbed.dump(), "seed {seed}, {more:?}: another state after {kills} kills");
            // And again: nothing is left, and the output stays.
            ok(arguments(&bench, &input, more));
            assert!(output(&bench) == expected);
        }
    }
}

#[test]
fn a_log_holds_what_no_checkpoint_holds_yet() {
    let bench = Bench::new();
    let input = plain(&bench);
    let all: Vec<&str> = vec!["--checkpoint-every", "100000", "--sync-every", "1000"];
    let mut child = command(arguments(&bench, &input, &all)).stderr(Stdio::null()).spawn().expect("it starts");
    // Its first sync is its first checkpoint, its second the first log.
    let wal = bench.dir().join("wal");
    while fs::read_dir(&wal).map_or(0, Iterator::count) < 3 && child.try_wait().expect("it runs").is_none() {
        std::thread::yield_now();
    }
    child.kill().expect("a signal");
    child.wait().expect("it ends");
    bench.assert_whole();
    let consumed = alluvium(arguments(&bench, &input, &all)).err;
    let recovered = consumed.lines().find(|line| line.contains("\"recovered\"")).expect("it continues");
    let event: serde_json::Value = serde_json::from_str(recovered).expect("JSON");
    assert!(event["records"].as_u64().expect("a number") >= 3_000, "{recovered}");
}

#[test]
fn reading_goes_on_by_seeking_and_another_file_is_not_taken_for_it() {
    let bench = Bench::new();
    let input = plain(&bench);
    ok(arguments(&bench, &input, &["--checkpoint-every", "1000", "--stop-after", "5000"]));
    // What was consumed is not read again: it may even have become unreadable as records.
    let mut bytes = fs::read(&input).expect("it reads");
    let header_end = bytes.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    bytes[100_000..100_020].fill(b',');
    fs::write(&input, &bytes).expect("it writes");
    ok(arguments(&bench, &input, &["--checkpoint-every", "1000", "--stop-after", "1000"]));
    // A file with another beginning is another file.
    bytes[header_end..header_end + 20].fill(b',');
    fs::write(&input, &bytes).expect("it writes");
    let done = alluvium(arguments(&bench, &input, &[]));
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("is another file") && done.err.contains("--resume next"), "{}", done.err);
    // A shorter file is read from its beginning, and found too short.
    fs::write(&input, &bytes[..header_end]).expect("it writes");
    let done = alluvium(arguments(&bench, &input, &[]));
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("has 0 records, but the checkpoint"), "{}", done.err);
}

#[test]
fn an_output_that_is_missing_or_left_out_is_an_error() {
    let bench = Bench::new();
    let input = plain(&bench);
    ok(arguments(&bench, &input, &["--stop-after", "3000", "--checkpoint-every", "1000"]));
    let shown = output(&bench);
    assert!(!shown.is_empty());
    let without: Vec<String> =
        arguments(&bench, &input, &[]).into_iter().filter(|argument| argument != "--output").collect();
    let out = text(&bench.path("out.ndjson"));
    let without: Vec<String> = without.into_iter().filter(|argument| *argument != out).collect();
    let done = alluvium(without);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("give the --output that the run began with"), "{}", done.err);
    fs::remove_file(bench.path("out.ndjson")).expect("it goes");
    let done = alluvium(arguments(&bench, &input, &[]));
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("out.ndjson"), "{}", done.err);
}
