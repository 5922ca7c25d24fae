//! Many files as one input: a directory, or a pattern.

use std::fs;
use std::path::Path;

use alluvium_hostile::Guest;

use super::{HEADER, append, flights};
use crate::running::Running;
use crate::support::{Bench, alluvium, fails, ok, sum, text};

/// A directory with a file for each count of flights.
fn files(bench: &Bench, counts: &[(&str, std::ops::Range<u32>)]) -> std::path::PathBuf {
    let directory = bench.path("input");
    fs::create_dir_all(&directory).expect("a directory");
    for (name, numbers) in counts {
        fs::write(directory.join(name), format!("{HEADER}{}", flights(numbers.clone()))).expect("a file");
    }
    directory
}

fn total(bench: &Bench) -> u64 {
    sum(&bench.dump(), "flights")
}

/// Waits until a checkpoint has counted so many flights.
fn wait_for_total(bench: &Bench, flights: u64) {
    loop {
        let done = alluvium(["dump", &bench.dir_text()]);
        let found = sum(&done.out, "flights");
        assert!(found <= flights, "{found} of {flights}");
        if done.code == Some(0) && found == flights {
            break;
        }
    }
}

#[test]
fn files_are_read_in_order_and_checkpoints_fall_where_they_would_in_one() {
    let (many, one) = (Bench::new(), Bench::new());
    let directory = files(&many, &[("b.csv", 700..1_300), ("a.csv", 0..700), ("c.csv", 1_300..2_000), (".x", 0..9)]);
    let pattern = directory.join("*.csv");
    let whole = one.path("whole.csv");
    fs::write(&whole, format!("{HEADER}{}", flights(0..2_000))).expect("a file");
    let options = ["--checkpoint-every", "500", "--max-retained", "9"];
    // Stopped and continued at every place, also between two files.
    for stop in [300, 400, 600, 100, 600] {
        ok(many.run_over(&pattern, &[&options[..], &["--stop-after", &stop.to_string()]].concat()));
        ok(one.run_over(&whole, &[&options[..], &["--stop-after", &stop.to_string()]].concat()));
    }
    assert_eq!(many.dump(), one.dump());
    assert_eq!(many.ids(), one.ids());
    assert!(alluvium(many.run_over(&directory, &[])).err.contains("nothing left to do"));
    // New files and files that have grown are read on.
    append(&directory.join("b.csv"), &flights(0..10));
    fs::write(directory.join("d.csv"), format!("{HEADER}{}", flights(0..5))).expect("a file");
    ok(many.run_over(&pattern, &[]));
    assert_eq!(total(&many), 2_015);
}

#[test]
fn files_that_went_or_were_renamed_are_not_read_again() {
    let bench = Bench::new();
    let directory = files(&bench, &[("a.csv", 0..700), ("b.csv", 700..1_000)]);
    ok(bench.run_over(&directory, &[]));
    fs::remove_file(directory.join("a.csv")).expect("it goes");
    fs::rename(directory.join("b.csv"), directory.join("z.csv")).expect("it moves");
    ok(bench.run_over(&directory, &[]));
    assert_eq!(total(&bench), 1_000);
    // A rotation: the old name stands for another file.
    fs::rename(directory.join("z.csv"), directory.join("z.csv.1")).expect("it moves");
    fs::write(directory.join("z.csv"), format!("{HEADER}{}", flights(5_000..5_100))).expect("a file");
    ok(bench.run_over(&directory, &[]));
    assert_eq!(total(&bench), 1_100);
    ok(bench.run_over(&directory, &[]));
    assert_eq!(total(&bench), 1_100);
}

#[test]
fn another_file_under_a_known_name_is_refused_with_its_path() {
    let bench = Bench::new();
    let directory = files(&bench, &[("a.csv", 0..700)]);
    ok(bench.run_over(&directory, &[]));
    fs::write(directory.join("a.csv"), format!("{HEADER}{}", flights(5_000..5_900))).expect("a file");
    fails(bench.run_over(&directory, &[]), &bench.dir(), &["a.csv", "--resume next"]);
    ok(bench.run_over(&directory, &["--resume", "next"]));
    assert_eq!(total(&bench), 1_600);
}

#[test]
fn one_file_and_many_are_not_taken_for_each_other() {
    let bench = Bench::new();
    let directory = files(&bench, &[("a.csv", 0..700)]);
    ok(bench.run_over(&directory.join("a.csv"), &[]));
    fails(bench.run_over(&directory, &[]), &bench.dir(), &["not taken over several files"]);
    let other = Bench::new();
    ok(other.run_over(&directory, &[]));
    fails(other.run_over(&directory.join("a.csv"), &[]), &other.dir(), &["taken over several files"]);
}

#[test]
fn nothing_to_read_and_an_output_among_the_inputs_are_refused() {
    let bench = Bench::new();
    let directory = files(&bench, &[]);
    fails(bench.run_over(&directory, &[]), &bench.dir(), &["there are no such files"]);
    fails(bench.run_over(&directory.join("*.csv"), &[]), &bench.dir(), &["there are no such files"]);
    let directory = files(&bench, &[("a.csv", 0..7)]);
    let output = text(&directory.join("out.ndjson"));
    fails(bench.run_over(&directory, &["--output", &output]), &bench.dir(), &["would be read as one of the files"]);
}

#[test]
fn files_with_other_columns_are_followed_side_by_side() {
    let bench = Bench::new();
    let directory = files(&bench, &[("a.csv", 0..100)]);
    let turned = "time_hour,arr_delay,dep_time,dest,origin,carrier\n2013-01-01T01:00:00Z,5,1,IAH,EWR,AA\n";
    fs::write(directory.join("b.csv"), turned).expect("a file");
    let mut run = Running::start(&bench, Path::new(&directory), &["--follow", "--checkpoint-interval", "50"]);
    run.wait_for("begun");
    for number in 0..20 {
        append(&directory.join("a.csv"), &flights(number..number + 1));
        append(&directory.join("b.csv"), "2013-01-01T01:00:00Z,5,1,IAH,EWR,AA\n");
    }
    wait_for_total(&bench, 141);
    run.signal(rustix::process::Signal::TERM);
    let (code, told) = run.end();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(bench.dump().lines().count(), 1, "{}", bench.dump());
}

#[test]
fn a_file_that_was_left_for_the_next_one_is_not_read_once_more_after_a_restart() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
        let bench = Bench::new();
        let directory = files(&bench, &[("log.csv", 0..100)]);
        let mut begun = 100;
        // The names are none that a rotation gives. The end comes at once after the checkpoint that has the next file.
        for moved in ["first.csv", "second.csv", "third.csv"] {
            let run = Running::start(&bench, &directory, &["--follow", "--checkpoint-interval", "20"]);
            // It reads the file when it has these.
            append(&directory.join("log.csv"), &flights(begun..begun + 5));
            wait_for_total(&bench, u64::from(begun) + 5);
            append(&directory.join("log.csv"), &flights(begun + 5..begun + 10));
            fs::rename(directory.join("log.csv"), directory.join(moved)).expect("it is renamed");
            files(&bench, &[("log.csv", begun + 10..begun + 50)]);
            begun += 50;
            wait_for_total(&bench, u64::from(begun));
            run.signal(signal);
            run.end();
        }
        ok(bench.run_over(&directory, &["--final"]));
        assert_eq!(total(&bench), u64::from(begun), "{}", ok(bench.over_dir("show", &["--json"])));
    }
}

#[test]
fn a_rotated_file_is_remembered_although_the_next_one_begins_with_a_bad_record() {
    let bench = Bench::new();
    let directory = files(&bench, &[("log.csv", 0..100)]);
    let options = ["--follow", "--checkpoint-interval", "20", "--on-error", "skip"];
    let run = Running::start(&bench, &directory, &options);
    wait_for_total(&bench, 100);
    fs::rename(directory.join("log.csv"), directory.join("log.csv.1")).expect("it is renamed");
    fs::write(directory.join("log.csv"), format!("{HEADER}bad,row\n{}", flights(100..150))).expect("a file");
    wait_for_total(&bench, 150);
    run.signal(rustix::process::Signal::TERM);
    run.end();
    ok(bench.run_over(&directory, &["--on-error", "skip"]));
    assert_eq!(total(&bench), 150);
}

#[test]
fn rotated_files_are_not_read_once_more_when_the_next_run_does_not_follow() {
    let bench = Bench::new();
    let directory = files(&bench, &[("log.csv", 0..100)]);
    let run = Running::start(&bench, &directory, &["--follow", "--checkpoint-interval", "20"]);
    wait_for_total(&bench, 100);
    for (rotation, from) in [100, 150].into_iter().enumerate() {
        if rotation > 0 {
            fs::rename(directory.join("log.csv.1"), directory.join("log.csv.2")).expect("it is renamed");
        }
        fs::rename(directory.join("log.csv"), directory.join("log.csv.1")).expect("it is renamed");
        files(&bench, &[("log.csv", from..from + 50)]);
        wait_for_total(&bench, u64::from(from) + 50);
    }
    run.signal(rustix::process::Signal::TERM);
    run.end();
    files(&bench, &[("new.csv", 200..230)]);
    ok(bench.run_over(&directory, &[]));
    assert_eq!(total(&bench), 230);
}

#[test]
fn files_that_come_while_a_directory_is_followed_are_read() {
    let bench = Bench::new();
    let directory = files(&bench, &[("a.csv", 0..100)]);
    let options = ["--follow", "--checkpoint-interval", "20"];
    let mut run = Running::start(&bench, &directory, &options);
    run.wait_for("begun");
    wait_for_total(&bench, 100);
    files(&bench, &[("b.csv", 100..150), (".hidden", 0..9)]);
    assert!(run.wait_for("found")["input"].as_str().is_some_and(|path| path.ends_with("b.csv")));
    append(&directory.join("b.csv"), &flights(150..160));
    wait_for_total(&bench, 160);
    // A followed file gets a name that no rotation gives, and another one its name.
    fs::rename(directory.join("a.csv"), directory.join("c.csv")).expect("it moves");
    append(&directory.join("c.csv"), &flights(160..170));
    files(&bench, &[("a.csv", 200..300)]);
    wait_for_total(&bench, 270);
    assert!(run.wait_for("found")["input"].as_str().is_some_and(|path| path.ends_with("c.csv")));
    append(&directory.join("c.csv"), &flights(170..171));
    wait_for_total(&bench, 271);
    // And one moves away and comes back.
    run.signal(rustix::process::Signal::TERM);
    assert_eq!(run.end().0, Some(0));
    fs::rename(directory.join("b.csv"), bench.path("elsewhere")).expect("it moves");
    let mut run = Running::start(&bench, &directory, &options);
    run.wait_for("recovered");
    append(&bench.path("elsewhere"), &flights(500..504));
    fs::rename(bench.path("elsewhere"), directory.join("b.csv")).expect("it moves");
    run.wait_for("found");
    wait_for_total(&bench, 275);
    run.signal(rustix::process::Signal::TERM);
    let (code, told) = run.end();
    assert_eq!(code, Some(0), "{told}");
    let done = alluvium(bench.run_over(&directory, &[]));
    assert!(done.err.contains("nothing left to do"), "{}", done.err);
    assert_eq!(total(&bench), 275);
}

#[test]
fn new_lines_are_told_from_those_of_a_file_that_went_by_a_plugin_that_takes_bytes() {
    // It puts each batch: the key is all records one after the other.
    let process = "(call $put (local.get 4) (local.get 5) (local.get 2) (i32.const 1) (i32.const 4096)) (i32.const 16)";
    let of_records =
        (r#"(i32.const 256) "\40\01\00\00\07\00\00\00\00"#, r#"(i32.const 256) "\40\01\00\00\07\00\00\00\01"#);
    let template = Guest::new().process(process).text();
    assert!(template.contains(of_records.0));
    let bench = Bench::new();
    let plugin = bench.path("lines.wasm");
    let component = alluvium_hostile::component(&template.replace(of_records.0, of_records.1));
    fs::write(&plugin, component).expect("a plugin");
    let directory = bench.path("input");
    fs::create_dir(&directory).expect("a directory");
    let run = || {
        ["run", &text(&plugin), "--dir", &bench.dir_text(), "--create", "--input", &text(&directory)].map(str::to_owned)
    };
    fs::write(directory.join("a.log"), "first\n").expect("a file");
    ok(run());
    fs::remove_file(directory.join("a.log")).expect("it goes");
    // As CSV, its header would have a quote that stays open.
    fs::write(directory.join("b.log"), "\"second\n").expect("a file");
    ok(run());
    let dump = bench.dump();
    assert!(dump.contains(r#""key":"first""#) && dump.contains(r#""key":"\"second""#), "{dump}");
}
