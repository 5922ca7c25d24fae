//! Files that grow, are replaced, or hold what cannot be read.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::{HEADER, append, flight, flights};
use crate::support::{Bench, alluvium, component, delays, fails, ok, sum, text};

/// Runs over a file, which must succeed. Returns how many flights and minutes the checkpoint has, and the
/// results.
#[track_caller]
fn run(bench: &Bench, more: &[&str]) -> (u64, u64, Vec<Value>) {
    let results = ok(bench.run_over(&bench.path("input.csv"), more));
    let results = results.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let dump = bench.dump();
    (sum(&dump, "flights"), sum(&dump, "arr_delay_min"), results)
}

#[test]
fn half_a_line_at_the_end_is_in_the_results_and_in_no_checkpoint() {
    let bench = Bench::new();
    let path = bench.path("input.csv");
    let half = |delay: &str| format!("AA,EWR,IAH,3,{delay}");
    fs::write(&path, format!("{HEADER}{}{}{}", flight(1, 5), flight(2, 5), half("6,2013-01-01T0"))).expect("a file");
    // Half a time is none, and half a flight neither.
    assert_eq!(run(&bench, &[]).0, 2);
    fs::write(&path, format!("{HEADER}{}{}{}", flight(1, 5), flight(2, 5), half("6,"))).expect("a file");
    let (count, minutes, results) = run(&bench, &[]);
    assert_eq!((count, minutes), (2, 10), "the checkpoint ends at the last whole line");
    assert_eq!(results.iter().map(|result| result["arr_delay_min"].as_i64().expect("minutes")).sum::<i64>(), 16);
    // It has grown: the line is another one now.
    append(&path, "2013-01-01T03:00:00Z\n");
    fs::write(&path, fs::read_to_string(&path).expect("it reads").replace("3,6,", "3,128,")).expect("it writes");
    let (count, minutes, _) = run(&bench, &[]);
    assert_eq!((count, minutes), (3, 138));
    append(&path, flight(4, 2).trim_end());
    assert_eq!(run(&bench, &["--final"]).0, 4);
}

#[test]
fn another_file_under_the_same_name_is_refused_until_it_is_asked_for() {
    let bench = Bench::new();
    let path = bench.path("input.csv");
    fs::write(&path, format!("{HEADER}{}", flights(0..8))).expect("a file");
    assert_eq!(run(&bench, &[]).0, 8);
    // Rows of the same width, and more of them.
    fs::write(&path, format!("{HEADER}{}", flights(20..32))).expect("a file");
    fails(bench.run_over(&path, &[]), &bench.dir(), &["input.csv", "is another file", "--resume next"]);
    assert_eq!(run(&bench, &["--resume", "next"]).0, 20);
    // The same option changes nothing about the file that it has read.
    append(&path, &flight(40, 5));
    assert_eq!(run(&bench, &["--resume", "next"]).0, 21);
    fs::write(&path, HEADER).expect("a file");
    fails(bench.run_over(&path, &[]), &bench.dir(), &["has 0 records", "--resume next"]);
}

#[test]
fn a_quote_that_stays_open_names_its_line_and_swallows_nothing() {
    let bench = Bench::new();
    let path = bench.path("input.csv");
    let stray = "AA,EWR,IAH,11,5,\"2013-01-01T11:00:00Z\n";
    fs::write(&path, format!("{HEADER}{}{stray}{}", flights(0..11), flights(12..40))).expect("a file");
    let done = alluvium(bench.run_over(&path, &[]));
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("input.csv: line 13: a quote that opens here is never closed"), "{}", done.err);
    assert_eq!(sum(&bench.dump(), "flights"), 11, "the records before it are taken");
    let letters = bench.path("letters.ndjson");
    let more = format!("dead-letter={}", letters.display());
    assert_eq!(run(&bench, &["--on-error", &more]).0, 39);
    let letter: Value = serde_json::from_str(&fs::read_to_string(letters).expect("a file")).expect("one line");
    assert_eq!((letter["record"].as_u64(), letter["text"].as_str()), (Some(12), Some(stray.trim_end())));
}

#[test]
fn bad_records_stop_the_run_or_are_left_out_each_once() {
    let bad = ["AA,EWR\n", "AA,EWR,IAH,5,late,2013-01-01T00:00:00Z\n", "AA,EWR,IAH,5,5,some day\n"];
    let rows: String = (0..30)
        .map(|number| {
            flights(number..number + 1)
                + bad.get(number as usize / 7).filter(|_| number % 7 == 3).copied().unwrap_or("")
        })
        .collect();
    let fresh = || {
        let bench = Bench::new();
        fs::write(bench.path("input.csv"), format!("{HEADER}{rows}")).expect("a file");
        bench
    };
    let bench = fresh();
    for _ in 0..2 {
        let done = alluvium(bench.run_over(&bench.path("input.csv"), &["--checkpoint-every", "5"]));
        assert!(done.code == Some(2) && done.err.contains("line 6") && done.err.contains("--on-error"), "{}", done.err);
    }
    assert_eq!(run(&bench, &["--on-error", "skip"]).0, 30);

    // Stopped after every number of records: the dead letters are the same.
    let mut expected = None;
    for stop in 1..33 {
        let bench = fresh();
        let letters = bench.path("letters.ndjson");
        let on_error = format!("dead-letter={}", letters.display());
        let arguments = ["--checkpoint-every", "4", "--on-error", &on_error];
        run(&bench, &[&arguments[..], &["--stop-after", &stop.to_string()]].concat());
        assert_eq!(run(&bench, &arguments).0, 30, "stopped after {stop}");
        let found = fs::read_to_string(&letters).expect("a file").replace(&text(bench.scratch.path()), "");
        assert_eq!(found.lines().count(), 3, "{found}");
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "stopped after {stop}");
    }
    let letters = expected.expect("letters");
    for word in ["\"text\":\"AA,EWR\"", "\"arr_delay\":\"late\"", "\"some day\\\" is no time"] {
        assert!(letters.contains(word), "{word} is missing in {letters}");
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn padding_behind_gzip_is_nothing_and_garbage_comes_after_all_records() {
    let bench = Bench::new();
    let path = bench.path("input.csv");
    let packed = gzip(&format!("{HEADER}{}", flights(0..20)));
    fs::write(&path, [&packed[..], &[0; 512]].concat()).expect("a file");
    assert_eq!(run(&bench, &[]).0, 20);
    let bench = Bench::new();
    let path = bench.path("input.csv");
    fs::write(&path, [&packed[..], b"garbage"].concat()).expect("a file");
    let done = alluvium(bench.run_over(&path, &[]));
    assert!(
        done.code == Some(2) && done.err.contains("other bytes follow it; the records before were taken"),
        "{}",
        done.err
    );
    assert_eq!(sum(&bench.dump(), "flights"), 20);
}

#[test]
fn other_forms_of_the_same_records_give_the_same_state() {
    let (csv, bench) = (Bench::new(), Bench::new());
    fs::write(csv.path("input.csv"), format!("{HEADER}{}", flights(0..50))).expect("a file");
    run(&csv, &[]);
    let expected = csv.dump();
    let path = bench.path("input.csv");
    let json = |number: u32| {
        let time = 1_356_998_400_000_u64 + u64::from(number % 24) * 3_600_000;
        format!(
            "{{\"carrier\":\"AA\",\"origin\":\"EWR\",\"dest\":\"IAH\",\"dep_time\":{number},\"arr_delay\":5,\"at\":{time}}}\n"
        )
    };
    fs::write(&path, (0..50).map(json).collect::<String>()).expect("a file");
    let options = ["--format", "ndjson", "--time-column", "at", "--time-format", "unix-ms"];
    run(&bench, &[&options[..], &["--stop-after", "20"]].concat());
    run(&bench, &options);
    assert_eq!(bench.dump(), expected);
    assert_eq!(bench.list()[0]["watermark"], csv.list()[0]["watermark"]);

    let bench = Bench::new();
    let text = format!("{HEADER}{}", flights(0..50)).replace(',', ";");
    fs::write(bench.path("input.csv"), zstd::encode_all(text.as_bytes(), 3).expect("memory")).expect("a file");
    run(&bench, &["--delimiter", ";"]);
    assert_eq!(bench.dump(), expected);
}

#[test]
fn names_that_come_up_later_are_columns_from_their_record_on() {
    let bench = Bench::new();
    let json = |number: u32, more: &str| {
        let time = format!("2013-01-01T{:02}:00:00Z", number % 24);
        format!(
            "{{{more}\"carrier\":\"AA\",\"origin\":\"EWR\",\"dest\":\"IAH\",\"dep_time\":{number},\"arr_delay\":5,\"time_hour\":\"{time}\"}}\n"
        )
    };
    // Each record has a further name, and the names of the one before it.
    let more = |number: u32| (0..number).rev().fold(String::new(), |names, name| names + &format!("\"x{name}\":1,"));
    let text: String = (0..20).map(|number| json(number, &more(number))).collect();
    fs::write(bench.path("input.csv"), text).expect("a file");
    let (count, minutes, _) = run(&bench, &["--format", "ndjson"]);
    assert_eq!((count, minutes), (20, 100));
}

#[test]
fn an_input_without_a_whole_record_is_read_again_by_the_same_command() {
    let weather = ("origin,time_hour,temp\n", "A,2013-01-01T00:00:00Z,1");
    let flight = flight(0, 5);
    // With a plugin that is told of the end of its inputs, and with one that is not.
    for (plugin, (header, row), is_told) in
        [(component("ALLUVIUM_WEATHER", "weather.wasm"), weather, true), (delays(), (HEADER, flight.trim_end()), false)]
    {
        for content in [&format!("{header}{row}"), header] {
            let bench = Bench::new();
            let (input, out) = (bench.path("input.csv"), bench.path("out"));
            fs::write(&input, content).expect("a file");
            let command =
                ["run", &text(&plugin), "--dir", &bench.dir_text(), "--input", &text(&input), "--output", &text(&out)]
                    .map(ToOwned::to_owned);
            ok(&command);
            let first = fs::read(&out).expect("it reads");
            assert_eq!(first.is_empty(), content == header, "{content}");
            ok(&command);
            assert_eq!(fs::read(&out).expect("it reads"), first, "{content}");
            // Another input is refused as before.
            fails(command.clone().map(|part| part.replace("input.csv", "missing.csv")), &bench.dir(), &["missing.csv"]);
            append(&input, &if content == header { format!("{row}\n") } else { "\n".to_owned() });
            let grown = alluvium(&command);
            assert_eq!(grown.code, Some(if is_told { 2 } else { 0 }), "{}", grown.err);
        }
    }
}

#[test]
fn a_record_that_the_plugin_refuses_moves_no_watermark() {
    let watermark = |rows: &str, more: &[&str]| {
        let bench = Bench::new();
        fs::write(bench.path("input.csv"), format!("{HEADER}{rows}")).expect("a file");
        assert_eq!(run(&bench, more).0, 20);
        bench.list()[0]["watermark"].clone()
    };
    let expected = watermark(&flights(0..20), &[]);
    assert!(!expected.is_null());
    let refused = "AA,EWR,IAH,5,late,2033-01-01T00:00:00Z\n";
    for at in [0, 1, 19, 20] {
        let rows = flights(0..at) + refused + &flights(at..20);
        assert_eq!(watermark(&rows, &["--on-error", "skip"]), expected, "after {at} records");
    }
}
