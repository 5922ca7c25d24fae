//! The directory and the thread that a plugin gets.

use std::fs;

use alluvium::NativeDirectory;
use alluvium_host::{Host, HostOptions, Limit, Limits, PluginOptions, RuntimeError};
use alluvium_hostile::{Guest, OK};

use crate::support::{Bench, engine, files, flights, header, put, refused};

#[test]
fn the_directory_is_the_one_that_was_locked() {
    let bench = Bench::new();
    let code = bench.code(&(put(8, 100) + OK));
    for host in [bench.host.clone(), Host::native(HostOptions::default()).expect("a host")] {
        let (path, aside) = (bench.path("path"), bench.path("aside"));
        fs::create_dir(&path).expect("a directory");
        let directory = NativeDirectory::open_exclusive(&path).expect("its lock");
        // Another directory takes its name before the engine is opened.
        fs::rename(&path, &aside).expect("another name");
        fs::create_dir(&path).expect("another directory");
        let mut plugin = host.start_in(&code, directory, &PluginOptions::default()).expect("it starts");
        plugin.begin(0, &header()).expect("it begins");
        plugin.feed(0, &flights(1, 1)).expect("a batch");
        plugin.checkpoint().expect("a checkpoint");
        drop(plugin);
        assert_eq!(files(&path).len(), 0, "nothing is written where no lock is held");
        assert!(files(&aside).len() >= 2, "{:?}", files(&aside).keys());
        fs::remove_dir_all(&path).and_then(|()| fs::remove_dir_all(&aside)).expect("removed");
    }
}

#[test]
fn a_deep_stack_has_room_on_every_thread() {
    let recursion = "(call $process (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
        (local.get 6)) (i32.add (i32.const 1))";
    let limits = Limits { stack_bytes: 8 << 20, ..Limits::default() };
    let bench = Bench::with(HostOptions { limits, ..HostOptions::default() });
    let code = bench.guest(&Guest::new().process(recursion));
    // A thread of a test has 2 MiB, and this one less than that.
    let run = || {
        let mut plugin = bench.start(&code, "direct", None);
        let error = refused(plugin.feed(0, &flights(1, 1)));
        assert!(matches!(error, RuntimeError::Limit { limit: Limit::Stack, .. }), "{error}");
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        thread.spawn_scoped(scope, run).expect("a thread").join().expect("it is stopped, and the process lives");
    });
    let spawned = bench.host.spawn(&code, bench.path("spawned"), PluginOptions::default());
    let error = futures_lite::future::block_on(async {
        let plugin = spawned.await.expect("it starts");
        plugin.begin(0, header()).await.expect("it begins");
        refused(plugin.feed(0, flights(1, 1)).await)
    });
    assert!(matches!(error, RuntimeError::Limit { limit: Limit::Stack, .. }), "{error}");
    let limits = Limits { stack_bytes: 1 << 30, ..limits };
    let error = refused(Host::new(engine(), HostOptions { limits, ..HostOptions::default() })).to_string();
    assert!(error.contains("a stack of 1073741824 bytes"), "{error}");
}
