//! Plugins that do harm: each ends within its limits, and the checkpoints before it are intact.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Bench, alerts, alluvium, fails, flights, ok, text};

use alluvium_hostile::{Guest, component, component_of};

const OPERATOR: &str = "alluvium:checkpoint/operator@0.2.0";

/// A plugin whose `process` has this body.
fn plugin(bench: &Bench, process: &str) -> PathBuf {
    let component = Guest::new().process(process).component();
    let path = bench.path("hostile.wasm");
    fs::write(&path, component).expect("a file");
    path
}

/// A run of the plugin over a directory that another one has created.
fn run(bench: &Bench, plugin: &Path) -> Vec<String> {
    run_within(bench, plugin, "60")
}

fn run_within(bench: &Bench, plugin: &Path, seconds: &str) -> Vec<String> {
    let (dir, input, plugin) = (bench.dir_text(), text(&flights()), text(plugin));
    let limits = ["--plugin-seconds", seconds, "--plugin-memory-mib", "16", "--stop-after", "10"];
    let fixed = ["run", &plugin, "--dir", &dir, "--input", &input];
    fixed.iter().chain(&limits).map(|&argument| argument.to_owned()).collect()
}

/// The plugin ends with these words; the checkpoints before it are as they were, and a good plugin
/// continues from them.
#[track_caller]
fn check(process: &str, words: &[&str]) {
    check_within("60", process, words);
}

#[track_caller]
fn check_within(seconds: &str, process: &str, words: &[&str]) {
    let bench = Bench::with_checkpoints();
    let plugin = plugin(&bench, process);
    let words = [&["the plugin ended in mid-call"], words].concat();
    fails(run_within(&bench, &plugin, seconds), &bench.dir(), &words);
    assert_eq!(bench.ids(), [3, 2, 1]);
    ok(bench.run_arguments(&["--stop-after", "500", "--checkpoint-every", "500"]));
    assert_eq!(crate::support::sum(&bench.dump(), "flights"), 2_000);
}

#[test]
fn one_of_this_making_that_does_nothing_runs() {
    let bench = Bench::with_checkpoints();
    let plugin = plugin(&bench, "(i32.const 16)");
    ok(run(&bench, &plugin));
}

#[test]
fn an_endless_loop() {
    check_within("1", "(loop $again (br $again)) (unreachable)", &["longer than one call may take"]);
}

#[test]
fn a_memory_bomb() {
    let grow = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    check(grow, &["more than its 16 MiB of memory"]);
}

#[test]
fn a_table_bomb() {
    let grow =
        "(loop $more (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 10000)) (i32.const -1))))
        (unreachable)";
    check(grow, &["table elements"]);
}

#[test]
fn deep_recursion() {
    let recurse = "(call $process (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
        (local.get 6))
        (i32.add (i32.const 1))";
    check(recurse, &["recursed too deeply"]);
}

#[test]
fn a_trap_after_changing_the_state() {
    // put("flights key", "") and then the end: what it changed is not in any checkpoint.
    let process =
        "(call $put (i32.const 1024) (i32.const 8) (i32.const 2048) (i32.const 0) (i32.const 4096)) (unreachable)";
    check(process, &["unreachable"]);
}

#[test]
fn a_flood_of_cursors() {
    let process = "(loop $more (call $iterate (i32.const 0) (i32.const 0) (i32.const 4096)) (br $more)) (unreachable)";
    check(process, &["limit of handles"]);
}

#[test]
fn a_timer() {
    check("(drop (call $timer (i64.const 3600000000000))) (i32.const 16)", &["set a timer"]);
}

#[test]
fn its_clock_stands_still() {
    let bench = Bench::with_checkpoints();
    let process = "(if (i64.ne (call $now) (i64.const 0)) (then (unreachable))) (i32.const 16)";
    let plugin = plugin(&bench, process);
    ok(run(&bench, &plugin));
}

#[test]
fn keys_past_the_limits_are_refused_and_the_plugin_lives() {
    // put with a key of 65,536 bytes: the engine refuses it, and the plugin works on.
    let bench = Bench::with_checkpoints();
    let before = bench.dump();
    let process = "(call $put (i32.const 0) (i32.const 65536) (i32.const 0) (i32.const 0) (i32.const 4096))
        (if (i32.ne (i32.load8_u (i32.const 4096)) (i32.const 1)) (then (unreachable)))
        (i32.const 16)";
    let plugin = plugin(&bench, process);
    ok(run(&bench, &plugin));
    assert!(bench.dump() == before, "nothing was applied");
}

#[test]
fn one_that_asks_for_more_than_there_is() {
    let bench = Bench::with_checkpoints();
    let asks = |component: &str| {
        let path = bench.path("asks.wasm");
        fs::write(&path, wat::parse_str(component).expect("a component")).expect("a file");
        run(&bench, &path)
    };
    let more = format!(
        r#"(component (import "some:secret/files" (func)) (instance $empty) (export "{OPERATOR}" (instance $empty)))"#
    );
    fails(asks(&more), &bench.dir(), &["asks.wasm", "asks for what it is not given", "some:secret/files"]);
    let empty = format!(r#"(component (instance $empty) (export "{OPERATOR}" (instance $empty)))"#);
    fails(asks(&empty), &bench.dir(), &["asks.wasm", "of another world, or of another version"]);
}

#[test]
fn state_of_another_plugin_or_another_version_of_it() {
    let bench = Bench::with_checkpoints();
    fails(
        ["run", &text(&alerts()), "--dir", &bench.dir_text(), "--input", &text(&flights())],
        &bench.dir(),
        &["\"delays\" with schema version 1", "is \"alerts\" with schema version 1", "give the plugin \"delays\""],
    );
    let described = |from: &str, to: &str| {
        let text = Guest::new().text();
        assert!(text.contains(from));
        let path = bench.path("other.wasm");
        fs::write(&path, component(&text.replace(from, to))).expect("a file");
        run(&bench, &path)
    };
    let (named, version) = (r#""\a0\00\00\00\06\00\00\00\01"#, r#""\a0\00\00\00\06\00\00\00\02"#);
    let words = ["\"delays\" with schema version 1", "is \"delays\" with schema version 2", "keeps schema version 1"];
    fails(described(named, version), &bench.dir(), &words);
    let nameless = r#""\a0\00\00\00\00\00\00\00\01"#;
    fails(described(named, nameless), &bench.dir(), &["other.wasm: it calls itself \"\": a name has 1 to 128 bytes"]);
    fails(described("\"delays\"", "\"de\\1bays\""), &bench.dir(), &["other.wasm: it calls itself \"de\\u{1b}ays\""]);
    // The refused ones left it to its own.
    ok(bench.run_arguments(&["--stop-after", "10"]));
    let newest = &bench.list()[0]["alluvium"]["annotations"];
    assert_eq!((&newest["plugin.name"], &newest["plugin.schema-version"]), (&"delays".into(), &"1".into()));
}

#[test]
fn one_of_other_interfaces_under_the_same_names() {
    let bench = Bench::with_checkpoints();
    let other = Guest::new().text();
    let other = other.replace("(param $limit i32)", "(param $limit i64)");
    let other = component_of(&other, |wit| {
        wit.replace("results: func(start: bool, limit: u32)", "results: func(start: bool, limit: u64)")
    });
    let path = bench.path("other.wasm");
    fs::write(&path, other).expect("a file");
    fails(run(&bench, &path), &bench.dir(), &["other.wasm", "other interfaces", "same sources"]);
}

#[test]
fn a_plugin_that_ends_says_so_in_one_line() {
    let bench = Bench::with_checkpoints();
    let plugin = plugin(&bench, "(unreachable)");
    let done = alluvium(run(&bench, &plugin));
    let lines: Vec<&str> = done.err.lines().filter(|line| !line.starts_with(&bench.dir_text())).collect();
    assert_eq!(lines.len(), 2, "the error and what to do: {}", done.err);
}

#[test]
fn a_state_that_grows_past_its_limit() {
    // put(a new key of 4 bytes, 60,000 bytes) until it is refused, then the end.
    let process = "(loop $more
            (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
            (call $put (i32.const 8192) (i32.const 4) (i32.const 65536) (i32.const 60000) (i32.const 4096))
            (br_if $more (i32.eqz (i32.load8_u (i32.const 4096)))))
        (if (i32.ne (i32.load8_u (i32.const 4100)) (i32.const 5)) (then (unreachable)))
        (i32.store8 (i32.const 32) (i32.const 1)) (i32.const 32)";
    let bench = Bench::with_checkpoints();
    let plugin = plugin(&bench, process);
    let mut arguments = run(&bench, &plugin);
    arguments.extend(["--state-memory-mib".to_owned(), "8".to_owned()]);
    // The engine lives, and so does the plugin: it is the plugin that gives up, with an empty message.
    fails(arguments, &bench.dir(), &["the plugin refuses it"]);
    bench.assert_whole();
}
