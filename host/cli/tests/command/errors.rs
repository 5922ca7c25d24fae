//! Every way to call it wrongly, or at a bad time: a clear error, exit code 2, and the checkpoints
//! before it intact.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use crate::support::{Bench, Mounted, alluvium, delays, engine, fails, flights, may_mount, ok, some_rows, text};

const EVERY_500: [&str; 2] = ["--checkpoint-every", "500"];

#[test]
fn a_missing_directory() {
    let bench = Bench::new();
    for verb in ["list", "show", "dump", "verify"] {
        let done = fails(bench.over_dir(verb, &[]), bench.scratch.path(), &["run: not found", "what to do: "]);
        assert_eq!(done.out, "", "{verb}");
    }
    for verb in ["restore", "delete"] {
        fails(bench.over_dir(verb, &["1"]), bench.scratch.path(), &["run: not found"]);
    }
    fails(bench.over_dir("gc", &[]), bench.scratch.path(), &["run: not found"]);
    fails(bench.over_dir("export", &[&text(&bench.path("to"))]), bench.scratch.path(), &["run: not found"]);
    assert!(!bench.dir().exists(), "no command makes a mistyped directory");
    // A run begins a directory, but not the ones above it: that is a mistyped path.
    let arguments = ["run", &text(&delays()), "--dir", &text(&bench.path("no/where")), "--input", &text(&flights())];
    fails(arguments, bench.scratch.path(), &["no/where: not found"]);
    assert!(!bench.path("no").exists());
}

#[test]
fn a_file_where_a_directory_should_be() {
    let bench = Bench::new();
    fs::write(bench.dir(), b"precious").expect("a file");
    for verb in ["list", "show", "dump", "verify", "gc"] {
        fails(bench.over_dir(verb, &[]), bench.scratch.path(), &["run", "not a directory"]);
    }
    fails(bench.run_arguments(&[]), bench.scratch.path(), &["run", "not a directory"]);
    assert_eq!(fs::read(bench.dir()).expect("still there"), b"precious");
}

#[test]
fn an_unknown_checkpoint() {
    let bench = Bench::with_checkpoints();
    fails(bench.over_dir("show", &["99"]), &bench.dir(), &["checkpoint 99", "alluvium list"]);
    fails(bench.over_dir("dump", &["--id", "99"]), &bench.dir(), &["checkpoint 99"]);
    fails(bench.over_dir("restore", &["99"]), &bench.dir(), &["checkpoint 99"]);
    fails(bench.over_dir("delete", &["99"]), &bench.dir(), &["checkpoint 99"]);
    let to = text(&bench.path("to"));
    fails(bench.over_dir("export", &[&to, "--id", "99"]), &bench.dir(), &["checkpoint 99"]);
    assert!(!bench.path("to").exists());
}

#[test]
fn a_directory_without_checkpoints() {
    let bench = Bench::new();
    fs::create_dir(bench.dir()).expect("a directory");
    for verb in ["show", "dump"] {
        fails(bench.over_dir(verb, &[]), &bench.dir(), &["holds no checkpoint"]);
    }
}

#[test]
fn what_is_no_plugin() {
    let bench = Bench::with_checkpoints();
    let run = |plugin: &str| {
        let (dir, input) = (bench.dir_text(), text(&flights()));
        ["run", plugin, "--dir", &dir, "--input", &input].map(ToOwned::to_owned)
    };
    let check = |content: &[u8], words: &[&str]| {
        let path = bench.path("plugin.wasm");
        fs::write(&path, content).expect("a file");
        fails(run(&text(&path)), &bench.dir(), &[&[&*text(&path)], words].concat());
    };
    check(b"hello", &["is no WebAssembly file", "wasm32-wasip2"]);
    check(b"", &["is no WebAssembly file"]);
    check(b"\0asm\x01\0\0\0", &["is a core WebAssembly module", "wasm32-wasip2"]);
    check(b"\0asm\x0d\0\x01\0", &["another world", "alluvium:checkpoint/operator@0.2.0", "nothing"]);
    check(b"\0asm\x0d\0\x01\0garbage", &["no valid component"]);
    let cut = fs::read(delays()).expect("the plugin");
    check(&cut[..cut.len() / 2], &["no valid component"]);
    fails(run(&text(&engine())), &bench.dir(), &["another world", "alluvium:checkpoint/state@0.2.0"]);
    fails(run("no-such.wasm"), &bench.dir(), &["no-such.wasm", "cannot be read", "check its path"]);
}

#[test]
fn an_engine_that_is_missing_or_none() {
    let bench = Bench::with_checkpoints();
    fails(bench.run_arguments(&["--engine", "nowhere.wasm"]), &bench.dir(), &["nowhere.wasm", "cannot be read"]);
    let plugin = text(&delays());
    fails(bench.run_arguments(&["--engine", &plugin]), &bench.dir(), &["another world", "checkpoints@0.2.0"]);
}

#[test]
fn an_input_without_the_columns() {
    let bench = Bench::with_checkpoints();
    let check = |content: &[u8], words: &[&str]| {
        let path = bench.path("input.csv");
        fs::write(&path, content).expect("a file");
        fails(bench.run_over(&path, &EVERY_500), &bench.dir(), &[&[&*text(&path)], words].concat());
    };
    let nowhere = bench.path("nowhere.csv");
    fails(bench.run_over(&nowhere, &EVERY_500), &bench.dir(), &[&*text(&nowhere), "what to do: check the path"]);
    check(b"", &["is empty"]);
    check(b"a,b\n1,2\n", &["no column time_hour", "a, b", "--time-column"]);
    check(b"time_hour,b\nNA,2\n", &["carrier"]);
    let none = ["--time-column", ""];
    fs::write(bench.path("input.csv"), b"a,b\n1,2\n").expect("a file");
    fails(bench.run_over(&bench.path("input.csv"), &none), &bench.dir(), &["carrier"]);
    check(b"\xff\xfe,time_hour\n", &["not UTF-8"]);
    fails(bench.run_over(&bench.path("none.csv"), &[]), &bench.dir(), &["none.csv", "No such file"]);
    fails(bench.run_over(bench.scratch.path(), &[]), &bench.dir(), &["not taken over several files"]);
}

/// A fresh run over a bad input: the error names the place, and what was checkpointed stays.
#[track_caller]
fn check_bad_input(content: &[u8], checkpoints: &[u64], words: &[&str]) {
    let bench = Bench::new();
    let path = bench.path("input.csv");
    fs::write(&path, content).expect("a file");
    let done = alluvium(bench.run_over(&path, &EVERY_500));
    assert_eq!(done.code, Some(2), "{}", done.err);
    for word in [&["error: ", &*text(&path)], words].concat() {
        assert!(done.err.contains(word), "{word:?} is missing in: {}", done.err);
    }
    assert_eq!(done.out, "", "no results of half an input");
    assert_eq!(bench.ids(), checkpoints);
    bench.assert_whole();
}

#[test]
fn an_input_that_goes_wrong_in_the_middle() {
    let rows = some_rows(1_200);
    // The records before it are checkpointed.
    check_bad_input((rows.clone() + "2013,1\n").as_bytes(), &[3, 2, 1], &["line 1202", "2 fields", "19"]);
    let last = rows.lines().last().expect("a row");
    let unreadable = last.replace("2013-01-02T", "2013-13-99T");
    assert_ne!(unreadable, last);
    check_bad_input((rows.clone() + &unreadable + "\n").as_bytes(), &[2, 1], &["record 1201", "is no time"]);
    let fields: Vec<&str> = last.split(',').collect();
    let bad = fields.iter().enumerate().map(|(at, field)| if at == 8 { "late" } else { field });
    let bad = bad.collect::<Vec<_>>().join(",");
    check_bad_input((rows + &bad + "\n").as_bytes(), &[2, 1], &["1201", "arr_delay", "late"]);
}

#[test]
fn a_half_written_or_damaged_gzip() {
    let whole = fs::read(flights()).expect("the flights");
    let half = &whole[..whole.len() / 2];
    let bench = Bench::new();
    let path = bench.path("half.csv.gz");
    fs::write(&path, half).expect("a file");
    let done = alluvium(bench.run_over(&path, &["--checkpoint-every", "1000"]));
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("half.csv.gz: the compressed data ends too early"), "{}", done.err);
    assert_eq!(done.out, "", "no results of half an input");
    let kept = bench.list();
    bench.assert_whole();
    assert_eq!(kept.len(), 3);
    // With the whole file it continues from there.
    let again = alluvium(bench.run_over(&flights(), &["--checkpoint-every", "1000"]));
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(again.err.contains("continuing from checkpoint"), "{}", again.err);

    let mut damaged = whole.clone();
    let at = damaged.len() / 3;
    damaged[at..at + 64].fill(0xff);
    fs::write(&path, damaged).expect("a file");
    let bench = Bench::new();
    let done = alluvium(bench.run_over(&path, &["--checkpoint-every", "100000"]));
    assert!(done.code == Some(2) && done.err.contains("compressed data"), "{}", done.err);
    assert_eq!(bench.ids(), [1], "the records before were taken");
    bench.assert_whole();
}

#[test]
fn another_input_than_the_run_began_with() {
    let bench = Bench::with_checkpoints();
    let path = bench.path("short.csv");
    fs::write(&path, some_rows(100)).expect("a file");
    fails(bench.run_over(&path, &[]), &bench.dir(), &["has 100 records", "has consumed 1500", "another --dir"]);
}

#[test]
fn a_directory_that_another_process_writes() {
    let bench = Bench::with_checkpoints();
    let writer = alluvium::NativeDirectory::open_exclusive(bench.dir()).expect("the first writer");
    let holder = format!("process {}", std::process::id());
    fails(bench.run_arguments(&[]), &bench.dir(), &["fenced", &holder]);
    fails(bench.over_dir("restore", &["1"]), &bench.dir(), &["fenced", &holder]);
    fails(bench.over_dir("delete", &["1"]), &bench.dir(), &["fenced", &holder]);
    fails(bench.over_dir("gc", &[]), &bench.dir(), &["fenced", &holder]);
    // Looking is always allowed.
    assert_eq!(bench.ids(), [3, 2, 1]);
    ok(bench.over_dir("verify", &[]));
    drop(writer);
    ok(bench.over_dir("gc", &[]));
}

#[test]
fn a_read_only_directory() {
    if !may_mount("a_read_only_directory") {
        return;
    }
    let bench = Bench::new();
    let Some(mounted) = Mounted::tmpfs(&bench.dir(), "size=16m") else { return };
    ok(bench.run_arguments(&["--checkpoint-every", "500", "--stop-after", "1500"]));
    mounted.remount("ro");
    fails(bench.run_arguments(&[]), &bench.dir(), &["run", "Read-only file system"]);
    fails(bench.over_dir("delete", &["1"]), &bench.dir(), &["run", "Read-only file system"]);
    // Looking needs no writing.
    assert_eq!(bench.ids(), [3, 2, 1]);
    bench.assert_whole();
    bench.dump();
}

#[test]
fn a_full_disk() {
    if !may_mount("a_full_disk") {
        return;
    }
    let bench = Bench::new();
    let Some(mounted) = Mounted::tmpfs(&bench.dir(), "size=256k") else { return };
    let arguments = bench.run_arguments(&["--checkpoint-every", "500", "--max-retained", "100"]);
    let done = alluvium(arguments.clone());
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("no space left") && done.err.contains("what to do: free some space"), "{}", done.err);
    bench.assert_whole();
    let kept = bench.ids();
    assert!(kept.len() > 1, "{kept:?}");
    // With more space it continues, to the result of an undisturbed run.
    mounted.remount("size=64m");
    ok(arguments);
    let undisturbed = Bench::new();
    ok(undisturbed.run_arguments(&["--checkpoint-every", "500"]));
    assert!(bench.dump() == undisturbed.dump(), "the same state as an undisturbed run");
}

#[test]
fn an_output_that_cannot_be_written() {
    let bench = Bench::new();
    let input = bench.path("input.csv");
    fs::write(&input, some_rows(10)).expect("a file");
    let output = text(&bench.path("no/where.ndjson"));
    let done = alluvium(bench.run_over(&input, &["--output", &output]));
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains(&output), "{}", done.err);
    // The work is not lost: the results can be asked for again.
    let again = ok(bench.run_over(&input, &[]));
    assert_eq!(again.lines().count(), bench.dump().lines().count());
}

#[test]
fn links_and_pipes_in_the_directory_are_left_alone() {
    let bench = Bench::with_checkpoints();
    symlink("/etc/passwd", bench.dir().join("link")).expect("a link");
    let status = std::process::Command::new("mkfifo").arg(bench.dir().join("segments/pipe")).status();
    assert!(status.is_ok_and(|status| status.success()), "a pipe");
    let found = ok(bench.over_dir("verify", &[]));
    assert!(found.contains("foreign link") && found.contains("foreign segments/pipe"), "{found}");
    ok(bench.over_dir("gc", &[]));
    ok(bench.run_arguments(&["--stop-after", "10"]));
    assert!(bench.dir().join("link").is_symlink() && bench.dir().join("segments/pipe").exists());
}

#[test]
fn a_closed_standard_output_is_no_error() {
    let bench = Bench::with_checkpoints();
    let mut child = crate::support::command(bench.over_dir("dump", &[]))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn wrong_arguments() {
    let bench = Bench::new();
    for arguments in [
        vec!["run"],
        vec!["nonsense"],
        vec!["list"],
        vec!["run", "p", "--dir", "d", "--input", "i", "--checkpoint-every", "0"],
    ] {
        let done = alluvium(&arguments);
        assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.err);
        assert!(!done.err.is_empty());
    }
    let mut out = std::io::sink();
    for verb in ["run", "list", "show", "dump", "verify", "restore", "delete", "gc", "export", "import"] {
        let help = ok([verb, "--help"]);
        assert!(help.contains("Example") && help.contains("--json"), "{verb}: {help}");
        out.write_all(help.as_bytes()).expect("a sink");
    }
    drop(bench);
}

#[test]
fn options_that_no_input_can_follow() {
    let bench = Bench::new();
    let input = bench.path("input.csv");
    fs::write(&input, "carrier\nAA\n").expect("a file");
    let refused = |more: &[&str], words: &[&str]| fails(bench.run_over(&input, more), &bench.dir(), words);
    refused(&["--columns", "carrier"], &["--columns", "no input is read as NDJSON"]);
    refused(&["--format", "csv", "--columns", "carrier"], &["--columns", "no input is read as NDJSON"]);
    refused(&["--format", "lines"], &["input.csv", "lines have no columns", "--format csv"]);
}
