//! Components that harm before they run: to compile them or to hold them.

use std::time::Duration;

use alluvium_host::{Cache, CodeLimits, CompilerProcess, Host, HostOptions, RuntimeError};
use alluvium_hostile::{Guest, bombs};

use crate::support::{Bench, refused};

#[track_caller]
fn check(bench: &Bench, bytes: &[u8], expected: &str) {
    let file = bench.file("hostile.wasm", bytes);
    let error = refused(bench.host.load(file)).to_string();
    assert!(error.contains("hostile.wasm") && error.contains(expected), "{error}");
}

#[test]
fn a_compile_bomb_is_refused_before_it_is_compiled() {
    let bench = Bench::new();
    check(&bench, &bombs::loops(2_000, 5_000), "10007001 locals times blocks in one function");
    // Each of them is within the caps for one function, and all together are not.
    let text =
        "(func (local i32 i32 i32 i32 i32 i32 i32 i32 i32) (loop) (loop) (loop) (loop) (loop) (loop) (loop) (loop))";
    check(&bench, &bombs::core(&text.repeat(12_000)), "12000 functions");
    let wide = format!("(func (local {}) {})", "i32 ".repeat(900), "(block)".repeat(100));
    check(&bench, &bombs::core(&wide.repeat(12)), "in all functions together");
    let long = format!("(func {})", "(drop (i32.const 1))".repeat(25_000));
    check(&bench, &bombs::core(&long), "bytes in one function");
    let long = format!("(func {})", "(drop (i32.const 1))".repeat(20_000));
    check(&bench, &bombs::core(&long.repeat(2)), "squares");
}

#[test]
fn what_is_small_to_send_and_large_to_hold_is_refused() {
    let bench = Bench::new();
    check(&bench, &bombs::globals(1, 990_000), "990000 globals");
    check(&bench, &bombs::globals(58, 10_000 * 5), "50000 globals");
    let limits = CodeLimits { globals: 1_000_000, ..CodeLimits::in_process() };
    let options = HostOptions { code: limits, code_in_process: limits, cache: Cache::none(), ..HostOptions::default() };
    let host = Host::native(options).expect("a host");
    let file = bench.file("globals.wasm", &bombs::globals(58, 60_000));
    let error = refused(host.load(file)).to_string();
    assert!(error.contains("bytes for the instances of its modules"), "{error}");
    let exports = (0..20_001).fold(String::new(), |text, at| text + &format!("(export \"{at}\" (func 0))"));
    check(&bench, &bombs::core(&format!("(func) {exports}")), "imports or exports");
    check(&bench, &bombs::core(&"(memory 1)".repeat(18)), "18 memories");
    check(&bench, &bombs::core("(memory 1) (memory 1)"), "2 memories in one module");
}

#[test]
fn a_pool_has_room_for_every_plugin_at_its_limits() {
    let bench = Bench::with(HostOptions { pool: Some(4), ..HostOptions::default() });
    // One that has as many memories as it may leaves the others what they need.
    let code = bench.guest(&Guest::new());
    let mut plugins: Vec<_> = (0..2).map(|at| bench.start(&code, &format!("tenant-{at}"), None)).collect();
    for plugin in &mut plugins {
        plugin.checkpoint().expect("it works");
    }
}

#[test]
fn a_compiler_process_is_stopped_by_its_time_and_its_memory() {
    let bench = Bench::new();
    // This test program is no compiler: it takes the question, and gives no answer.
    let process = |program: &str, arguments: &[&str], time| CompilerProcess {
        program: program.into(),
        arguments: arguments.iter().map(Into::into).collect(),
        time,
        memory_bytes: 1 << 30,
    };
    let load = |compiler| {
        let options = HostOptions { compiler: Some(compiler), cache: Cache::none(), ..HostOptions::default() };
        let host = Host::native(options).expect("a host");
        refused(host.load(bench.file("plugin.wasm", &Guest::new().component()))).to_string()
    };
    let slow = load(process("/bin/sh", &["-c", "cat >/dev/null; exec sleep 1000"], Duration::from_millis(300)));
    assert!(slow.contains("more than the 300 ms"), "{slow}");
    let deaf = load(process("/bin/sleep", &["1000"], Duration::from_millis(300)));
    assert!(deaf.contains("more than the 300 ms"), "{deaf}");
    let gone = load(process("/bin/false", &[], Duration::from_secs(100)));
    assert!(gone.contains("ended without an answer"), "{gone}");
    let missing = load(process("/nowhere/compiler", &[], Duration::from_secs(100)));
    assert!(missing.contains("/nowhere/compiler cannot be started"), "{missing}");
    // What is not proved to be the compiler's is not taken for code.
    let forged = "cat >/dev/null; printf '\\001'; head -c 100000 /dev/zero";
    let forged = load(process("/bin/sh", &["-c", forged], Duration::from_secs(100)));
    assert!(forged.contains("not proved"), "{forged}");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let bench = Bench::new();
    let fifo = bench.path("fifo.wasm");
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    for file in [fifo, "/dev/zero".into(), bench.scratch.path().to_owned()] {
        let error = refused(bench.host.load(file)).to_string();
        assert!(error.contains("is no regular file"), "{error}");
    }
    assert!(matches!(refused(Host::new("/dev/zero", HostOptions::default())), RuntimeError::Component { .. }));
}

#[test]
fn an_engine_of_its_own_is_the_hosts_word() {
    let bench = Bench::new();
    let plugin = bench.file("plugin.wasm", &Guest::new().component());
    let error = refused(bench.host.load_composed(plugin)).to_string();
    assert!(error.contains("a plugin that is composed with an engine exports"), "{error}");
}
