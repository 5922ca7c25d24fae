//! What a process has little of: what restarts leave of it, and that it says so when there is none.

use std::fs;

use alluvium_host::{Cache, Host, HostOptions, Limits, Plugin, PluginOptions, RuntimeError};
use alluvium_hostile::Guest;
use futures_lite::future::block_on;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Bench, OK, delays, flights, header, is_alone, put, refused};

/// Open descriptors, mappings and threads of this process.
fn counted() -> [usize; 3] {
    let count = |path: &str| fs::read_dir(path).expect(path).count();
    let maps = fs::read_to_string("/proc/self/maps").expect("its mappings").lines().count();
    [count("/proc/self/fd"), maps, count("/proc/self/task")]
}

/// A number of `/proc/self/status`, in KiB.
fn kib(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn hundreds_of_restarts_leave_nothing() {
    if !is_alone("attacks::resources::hundreds_of_restarts_leave_nothing") {
        return;
    }
    let mut tenants = Vec::new();
    for (_, bench) in Bench::both() {
        let honest = bench.start(&bench.code(&(put(8, 1_000) + OK)), "honest", None);
        let grow = "(drop (memory.grow (i32.const 100))) (call $iterate (i32.const 0) (i32.const 0) (i32.const 4096))";
        let hostile = bench.start(&bench.guest(&Guest::new().process(&format!("{grow} (unreachable)"))), "traps", None);
        tenants.push((bench, honest, hostile));
    }
    let mut restart = |times: u32| {
        for _ in 0..times {
            for (_, honest, hostile) in &mut tenants {
                honest.feed(0, &flights(1, 1)).expect("a batch");
                honest.restart().expect("it starts again");
                assert!(refused(hostile.feed(0, &flights(1, 1))).is_end());
                hostile.restart().expect("it starts again");
            }
        }
    };
    restart(50);
    let (before, before_kib) = (counted(), kib("VmRSS:"));
    restart(100);
    let (after, after_kib) = (counted(), kib("VmRSS:"));
    assert_eq!((after[0], after[2]), (before[0], before[2]), "descriptors and threads");
    assert!(after[1] <= before[1] + 8, "{} mappings, {} before", after[1], before[1]);
    assert!(after_kib <= before_kib + (6 << 10), "{after_kib} KiB after 400 restarts, {before_kib} before");
}

#[test]
fn no_more_address_space_is_said_as_that_and_others_work_on() {
    if !is_alone("attacks::resources::no_more_address_space_is_said_as_that_and_others_work_on") {
        return;
    }
    for (name, bench) in Bench::both() {
        let code = bench.code(&(put(8, 1_000) + OK));
        let mut first = bench.start(&code, "first", None);
        // Room for a few plugins more, each of which reserves what its memories may become.
        let before = getrlimit(Resource::As);
        let mut limit = before;
        limit.current = Some((kib("VmSize:") << 10) + (40 << 30));
        setrlimit(Resource::As, limit).expect("a limit");
        let start = |at: usize| -> Result<Plugin, RuntimeError> {
            let mut plugin = bench.host.start(&code, bench.path(&format!("more-{at}")), &PluginOptions::default())?;
            plugin.begin(0, &header())?;
            Ok(plugin)
        };
        let mut more = Vec::new();
        let error = loop {
            match start(more.len()) {
                Ok(plugin) => more.push(plugin),
                Err(error) => break error,
            }
            assert!(more.len() < 40, "{name}: no end of address space");
        };
        assert!(more.len() > 1, "{name}: {error}");
        assert!(matches!(&error, RuntimeError::Host(_)), "{name}: {error}");
        assert!(error.to_string().contains("no more memory, address space or mappings"), "{name}: {error}");
        // It is the same each time, and nothing of the attempt stays.
        assert_eq!(refused(start(more.len())).to_string(), error.to_string());
        for plugin in [&mut first].into_iter().chain(&mut more) {
            plugin.feed(0, &flights(1, 1)).expect("others work on");
            plugin.checkpoint().expect("a checkpoint");
        }
        // Where one ends, there is room for another.
        let at = more.len();
        drop(more.pop());
        start(at).expect("room again");
        setrlimit(Resource::As, before).expect("no limit");
    }
}

#[test]
fn no_more_descriptors_is_said_as_that_wherever_they_end() {
    if !is_alone("attacks::resources::no_more_descriptors_is_said_as_that_wherever_they_end") {
        return;
    }
    // It has data, so that its memory begins from an image, which needs a descriptor.
    let plugin = delays();
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), ..getrlimit(Resource::Nofile) }).expect("a limit");
    for (name, bench) in Bench::both() {
        let mut refusals = 0;
        // No descriptor is left, then one, then two, until there are as many as a start needs.
        for left in 0.. {
            let mut held: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
            held.truncate(held.len() - left);
            let started = bench.host.load(&plugin).and_then(|code| {
                bench.host.start(&code, bench.path(&format!("left-{left}")), &PluginOptions::default())
            });
            drop(held);
            let Err(error) = started else { break };
            let said = error.to_string();
            // WASI has no code for it: what the engine component opens itself is an error of input and output.
            let is_told = said.contains("Too many open files") || name == "component" && said.ends_with("error: io");
            assert!(is_told, "{name}, {left} left: {said}");
            assert!(!said.contains("interfaces") && !said.contains("world"), "{name}, {left} left: {said}");
            refusals += 1;
            assert!(left < 100, "{name}: {said}");
        }
        assert!(refusals > 1, "{name}: it starts without descriptors");
        let code = bench.host.load(&plugin).expect("there is room again");
        bench.host.start(&code, bench.path("after"), &PluginOptions::default()).expect("it starts");
    }
}

#[test]
fn a_thread_that_cannot_be_started_is_said_as_that() {
    if !is_alone("attacks::resources::a_thread_that_cannot_be_started_is_said_as_that") {
        return;
    }
    let bench = Bench::native();
    let limits = Limits { stack_bytes: 64 << 20, ..Limits::default() };
    let host = Host::native(HostOptions { limits, cache: Cache::none(), ..HostOptions::default() }).expect("a host");
    let code = host.load(bench.file("plugin.wasm", &Guest::new().component())).expect("it loads");
    let before = getrlimit(Resource::As);
    let mut limit = before;
    limit.current = Some((kib("VmSize:") << 10) + (32 << 20));
    setrlimit(Resource::As, limit).expect("a limit");
    let error = refused(block_on(host.spawn(&code, bench.path("one"), PluginOptions::default())));
    assert!(error.to_string().contains("a thread with a stack of"), "{error}");
    setrlimit(Resource::As, before).expect("no limit");
    block_on(host.spawn(&code, bench.path("one"), PluginOptions::default())).expect("room again");
}
