//! What plugins do in workers is what they do without.

use std::process::Command;
use std::sync::Arc;

use alluvium_core::directory::MemoryDirectory;
use alluvium_host::{Cache, Host, HostOptions, PluginOptions};

use super::{ASKED, isolated};
use crate::support::{Bench, delays, flights, refused};
use crate::work::{assert_same, work_over};

/// Tests of this program that are not about what a plugin does, each with the reason.
const NOT_REPEATED: [&str; 7] = [
    // These are about workers anyway.
    "isolated::",
    // The pool is that of the host's process.
    "many_plugins_on_many_threads",
    // It listens to events of the whole process.
    "telling::",
    // Minutes of random calls, which know nothing of processes.
    "any_sequence_of_calls",
    // It counts how often an engine asks whether it must end. The host of a worker asks by the clock.
    "one_pass_is_ended_in_its_middle",
    // The address space that ends is that of the host's process.
    "no_more_address_space_is_said_as_that",
    // A state that grows until a checkpoint of it does not fit, thirty times.
    "an_engine_that_ends_in_mid_checkpoint",
];

fn native() -> Host {
    let cache = Cache::at(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    Host::native(HostOptions { cache, ..HostOptions::default() }).expect("a host")
}

#[test]
fn the_bytes_are_the_same_with_either_engine() {
    let bench = Bench::new();
    let here = work_over(&bench.host, &bench.path("here"));
    assert_same(&here, &work_over(&isolated(&bench.host), &bench.path("component")));
    assert_same(&here, &work_over(&isolated(&native()), &bench.path("native")));
}

#[test]
fn every_test_passes_with_its_plugins_in_workers() {
    if super::is_asked_for() {
        return;
    }
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    again.env(ASKED, "1").args(NOT_REPEATED.iter().flat_map(|name| ["--skip", name]));
    let output = again.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let passed = said.lines().find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok());
    assert!(passed.is_some_and(|passed: u32| passed > 50), "{said}");
}

#[test]
fn a_plugin_outlives_the_thread_that_it_was_started_on() {
    let bench = Bench::new();
    let host = isolated(&bench.host);
    let path = bench.path("one");
    let start = move || host.start(&host.load(delays()).unwrap(), path, &PluginOptions::default()).unwrap();
    let mut plugin = std::thread::spawn(start).join().expect("it starts");
    plugin.begin(0, &crate::support::header()).unwrap();
    for batch in 0..100 {
        plugin.feed(0, &flights(batch * 10, 10)).unwrap();
    }
    assert_eq!(plugin.checkpoint().unwrap().info.id, 1);
}

#[test]
fn a_directory_of_another_kind_is_refused() {
    let host = isolated(&native());
    let code = host.load(delays()).unwrap();
    let directory = Arc::new(MemoryDirectory::new());
    let error = refused(host.start_over(&code, directory, "in memory", &PluginOptions::default()));
    assert!(error.to_string().contains("a directory of the file system"), "{error}");
}
