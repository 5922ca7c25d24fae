//! What a job does with records that cannot be used, and with files that were renamed.

use std::fs;

use serde_json::Value;

use super::{partitions, run_arguments, status};
use crate::support::{Bench, alluvium, delays, ok, text};

/// Flights of which some cannot be used: a line with a field too few, a time that is none, and a delay that the plugin
/// refuses.
fn with_bad_records(bench: &Bench) -> String {
    let input = partitions(bench, 2);
    for (name, bad) in [("0.csv", "UA,too,few"), ("1.csv", "2013-01-20 late")] {
        let path = bench.path("in").join(name);
        let content = fs::read_to_string(&path).expect("it reads");
        let mut lines: Vec<String> = content.lines().map(str::to_owned).collect();
        let mut fields: Vec<&str> = lines[700].split(',').collect();
        let number = |column: &str| lines[0].split(',').position(|name| name == column).expect("a column");
        let (time, delay) = (number("time_hour"), number("arr_delay"));
        fields[delay] = "soon";
        let refused = fields.join(",");
        fields[delay] = "1";
        fields[time] = bad;
        let untimed = fields.join(",");
        lines.insert(1_499, refused);
        lines.insert(20, if name == "0.csv" { bad.to_owned() } else { untimed });
        fs::write(&path, lines.join("\n") + "\n").expect("it writes");
    }
    input
}

#[test]
fn bad_records_stop_a_job_or_are_left_out_each_once() {
    let bench = Bench::new();
    let input = with_bad_records(&bench);
    let job = |name: &str| text(&bench.path(name));
    let stopped = alluvium(run_arguments(&job("stopped"), &input, &[]));
    assert!(stopped.code == Some(2) && stopped.err.contains("1.csv: record 20 of the epoch"), "{stopped:?}");
    let (mut written, mut digests) = (Vec::new(), Vec::new());
    for workers in ["1", "3"] {
        let (job, letters) = (job(workers), bench.path(&format!("letters{workers}")));
        let on_error = format!("dead-letter={}", letters.display());
        // It is stopped between the records that it leaves out, and continues.
        let more = ["--workers", workers, "--on-error", &on_error];
        ok(run_arguments(&job, &input, &[&more[..], &["--stop-after-epochs", "2"]].concat()));
        let ended = alluvium(run_arguments(&job, &input, &more));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.err.contains("left out record 1500: the plugin refuses it"), "{ended:?}");
        let lines = fs::read_to_string(&letters).expect("the dead letters");
        let told = |line: &str| -> (String, u64, u64, u64) {
            let letter: Value = serde_json::from_str(line).expect("an object");
            let number = |name: &str| letter[name].as_u64().expect("a number");
            let partition = letter["partition"].as_str().expect("a name").to_owned();
            (partition, number("epoch"), number("record_of_epoch"), number("record"))
        };
        let told: Vec<(String, u64, u64, u64)> = lines.lines().map(told).collect();
        let letter = |partition: &str, epoch, number, record| (partition.to_owned(), epoch, number, record);
        let expected = [("0.csv", 1, 20, 20), ("1.csv", 1, 20, 20), ("0.csv", 3, 500, 1_500), ("1.csv", 3, 500, 1_500)];
        assert_eq!(told, expected.map(|(name, epoch, number, record)| letter(name, epoch, number, record)), "{lines}");
        assert!(lines.contains("UA,too,few") && lines.contains("\"arr_delay\":\"soon\""), "{lines}");
        let status = status(&job);
        digests.push(status["state_digest"].clone());
        assert_eq!(status["lag"]["flights"]["bytes"], 0, "{status}");
        written.push(lines);
    }
    assert_eq!(written[0], written[1]);
    // What is left out leaves nothing behind: `alluvium run` comes to the same state.
    ok(["run", &text(&delays()), "--dir", &bench.dir_text(), "--input", &input, "--no-results", "--on-error", "skip"]);
    let one: Value = serde_json::from_str(&ok(bench.over_dir("show", &["--json"]))).expect("a JSON object");
    assert_eq!(digests, vec![one["alluvium"]["state_digest"].clone(); 2]);
}

#[test]
fn files_that_were_renamed_are_known_again() {
    let bench = Bench::new();
    let input = partitions(&bench, 3);
    let (job, whole, at) = (text(&bench.path("job")), text(&bench.path("whole")), bench.path("in"));
    ok(run_arguments(&whole, &input, &[]));
    ok(run_arguments(&job, &input, &["--stop-after-epochs", "3"]));
    // One has another name, one was rotated away and another file has its name, and one stays.
    fs::rename(at.join("0.csv"), at.join("moved.csv")).expect("it is renamed");
    fs::rename(at.join("1.csv"), at.join("1.csv.1")).expect("it is renamed");
    let rows = fs::read_to_string(at.join("1.csv.1")).expect("it reads");
    let (header, records) = rows.split_once('\n').expect("a header");
    let cut = records.match_indices('\n').nth(4_000).expect("so many").0 + 1;
    fs::write(at.join("1.csv"), format!("{header}\n{}", &records[cut..])).expect("it writes");
    fs::write(at.join("1.csv.1"), format!("{header}\n{}", &records[..cut])).expect("it writes");
    ok(run_arguments(&job, &input, &["--workers", "2"]));
    let (of_job, of_whole) = (status(&job), status(&whole));
    assert_eq!(of_job["state_digest"], of_whole["state_digest"], "{of_job}");
}
