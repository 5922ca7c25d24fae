//! Pipes that are quiet, that have no writer, and that begin again.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::{HEADER, flights};
use crate::running::Running;
use crate::support::{Bench, alluvium, sum};

#[test]
fn what_was_read_is_durable_after_the_interval_though_nothing_further_comes() {
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::TERM] {
        let bench = Bench::new();
        let mut run = Running::start(&bench, Path::new("-"), &["--sync-interval", "100"]);
        run.write(&format!("{HEADER}{}", flights(0..1_500)));
        // Another command sees what is durable.
        let durable = || alluvium(["dump", &bench.dir_text()]);
        while !Some(durable()).is_some_and(|done| done.code == Some(0) && sum(&done.out, "flights") == 1_500) {}
        run.signal(signal);
        let (code, told) = run.end();
        if signal == rustix::process::Signal::TERM {
            assert_eq!(code, Some(0), "{told}");
            assert!(told.contains("\"terminated\""), "{told}");
        }
        assert_eq!(sum(&bench.dump(), "flights"), 1_500);
        bench.assert_whole();
    }
}

#[test]
fn a_checkpoint_is_taken_after_the_interval_though_nothing_further_comes() {
    let bench = Bench::new();
    let mut run = Running::start(&bench, Path::new("-"), &["--checkpoint-interval", "50"]);
    run.write(&format!("{HEADER}{}", flights(0..300)));
    let mut records = 0;
    while records < 300 {
        records = run.wait_for("checkpoint")["records"].as_u64().expect("a number");
    }
    // Nothing is new, and so nothing more is written.
    let newest = bench.ids()[0];
    run.signal(rustix::process::Signal::TERM);
    assert_eq!(run.end().0, Some(0));
    assert_eq!(bench.ids()[0], newest);
}

fn named_pipe(bench: &Bench) -> std::path::PathBuf {
    let path = bench.path("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    path
}

#[test]
fn a_named_pipe_without_a_reader_can_be_stopped() {
    let bench = Bench::new();
    let path = named_pipe(&bench);
    std::fs::write(bench.path("rows.csv"), format!("{HEADER}{}", flights(0..300))).expect("a file");
    let output = ["--output", &crate::support::text(&path)];
    let run = Running::start(&bench, &bench.path("rows.csv"), &output);
    // It takes note of signals before it makes the directory.
    while !bench.dir().exists() {
        std::thread::yield_now();
    }
    run.signal(rustix::process::Signal::TERM);
    let (code, told) = run.end();
    assert!(code == Some(2) && told.contains("fifo"), "{code:?} {told}");

    // With a reader it gets all of it.
    let run = Running::start(&bench, &bench.path("rows.csv"), &output);
    let results = std::fs::read_to_string(&path).expect("it is read to its end");
    assert_eq!(run.end().0, Some(0));
    assert!(results.contains("\"flights\":300"), "{results}");
}

#[test]
fn a_named_pipe_without_a_writer_can_be_stopped() {
    let bench = Bench::new();
    let path = named_pipe(&bench);
    let mut run = Running::start(&bench, &path, &[]);
    run.wait_for("begun");
    run.signal(rustix::process::Signal::TERM);
    assert_eq!(run.end().0, Some(0));

    // What its writer wrote is checkpointed, though it holds the pipe open.
    let mut run = Running::start(&bench, &path, &["--checkpoint-interval", "20"]);
    let mut writer = File::options().write(true).open(&path).expect("it opens");
    writer.write_all(format!("{HEADER}{}", flights(0..300)).as_bytes()).expect("it reads");
    while run.wait_for("checkpoint")["records"] != 300 {}
    run.signal(rustix::process::Signal::TERM);
    assert_eq!(run.end().0, Some(0));
    assert_eq!(sum(&bench.dump(), "flights"), 300);
}

#[test]
fn a_pipe_that_begins_again_needs_to_be_told_how() {
    let bench = Bench::new();
    let text = format!("{HEADER}{}", flights(0..10));
    let pipe = |text: &str, more: &[&str]| {
        let mut run = Running::start(&bench, Path::new("-"), more);
        // It may be refused before it is read.
        let _ = run.child.stdin.as_mut().expect("a pipe").write_all(text.as_bytes());
        run.end()
    };
    assert_eq!(pipe(&text, &[]).0, Some(0));
    let (code, told) = pipe(&text, &[]);
    assert!(code == Some(2) && told.contains("--resume skip") && told.contains("--resume continue"), "{told}");
    assert_eq!(sum(&bench.dump(), "flights"), 10);
    assert_eq!(pipe(&(text.clone() + &flights(10..15)), &["--resume", "skip"]).0, Some(0));
    assert_eq!(sum(&bench.dump(), "flights"), 15);
    assert_eq!(pipe(&text, &["--resume", "continue"]).0, Some(0));
    assert_eq!(sum(&bench.dump(), "flights"), 25);
    // Other records than those to be passed over are no such pipe.
    let (code, told) = pipe(&format!("{HEADER}{}", flights(20..40)), &["--resume", "skip"]);
    assert!(code == Some(2) && told.contains("is another file"), "{told}");
}

#[test]
fn lines_through_a_socket_are_columns_and_survive_a_kill() {
    let bench = Bench::new();
    let path = bench.path("lines.sock");
    let address = format!("unix-listen:{}", path.display());
    let json = |number: u32| {
        format!(
            "{{\"carrier\":\"AA\",\"origin\":\"EWR\",\"dest\":\"IAH\",\"dep_time\":{number},\"arr_delay\":5,\
             \"time_hour\":\"2013-01-01T00:00:00Z\"}}\n"
        )
    };
    for (signal, total) in [(rustix::process::Signal::KILL, 200), (rustix::process::Signal::TERM, 400)] {
        let mut run =
            Running::start(&bench, Path::new(&address), &["--checkpoint-interval", "20", "--resume", "continue"]);
        let mut peer = loop {
            // It listens once it runs.
            if let Ok(peer) = std::os::unix::net::UnixStream::connect(&path) {
                break peer;
            }
        };
        peer.write_all((0..200).map(json).collect::<String>().as_bytes()).expect("it reads");
        while run.wait_for("checkpoint")["records"] != total {}
        run.signal(signal);
        run.end();
        assert_eq!(sum(&bench.dump(), "flights"), total);
    }
}

#[test]
fn a_hangup_before_the_first_record_leaves_nothing_behind() {
    let bench = Bench::new();
    for round in 0..2 {
        let mut run = Running::start(&bench, Path::new("-"), &[]);
        // An input without a header is an error when it ends.
        run.write(HEADER);
        run.wait_for("begun");
        run.signal(rustix::process::Signal::HUP);
        // It is taken note of within a turn of the loop; the end comes after it.
        run.signal(rustix::process::Signal::TERM);
        let (code, told) = run.end();
        assert_eq!(code, Some(0), "in round {round}: {told}");
    }
}
