//! Plugins that do harm: each is ended by the limit that is there for it, its last checkpoint is
//! intact, and its neighbour has not noticed.

use std::sync::Arc;

use alluvium_core::ManualClock;
use alluvium_host::{Cache, HostOptions, Limit, Limits, Plugin, PluginOptions, RuntimeError};

use crate::support::{BRIEF, Bench, OK, PATIENCE, files, flights, put, refused};

/// Small enough to be reached at once, but for that of time: a machine may do other things.
fn small() -> Limits {
    Limits {
        plugin_call: PATIENCE,
        plugin_memory_bytes: 16 << 20,
        output_bytes: 1 << 20,
        call_bytes: 1 << 20,
        disk_bytes: 4 << 20,
        handles: 100,
        ..Limits::default()
    }
}

/// One that has been good until now, and its neighbour.
struct Street {
    bench: Bench,
    neighbour: Plugin,
}

impl Street {
    fn new() -> Self {
        let bench = Bench::new();
        let mut neighbour = bench.neighbour();
        neighbour.feed(0, &flights(1, 100)).unwrap();
        assert_eq!(neighbour.checkpoint().unwrap().info.id, 1);
        let good = bench.code(&(put(8, 100) + OK));
        let mut plugin = bench.start(&good, "hostile", None);
        plugin.feed(0, &flights(1, 1)).unwrap();
        assert_eq!(plugin.checkpoint().unwrap().info.id, 1);
        plugin.close();
        Self { bench, neighbour }
    }

    /// The neighbour works on undisturbed, and both directories are whole.
    fn goes_on(mut self) {
        self.neighbour.feed(0, &flights(101, 100)).unwrap();
        assert_eq!(self.neighbour.checkpoint().unwrap().info.id, 2);
        let state = self.bench.state("neighbour");
        let value = String::from_utf8(state[&b"UA:EWR-IAH"[..]].clone()).unwrap();
        assert!(value.starts_with("{\"flights\":200,"), "{value}");
        self.bench.state("hostile");
    }
}

/// Feeds one batch to a plugin with this `process`, then asks for a checkpoint: one of the two ends it.
#[track_caller]
fn check(expected: Limit, process: &str) {
    let street = Street::new();
    let bench = &street.bench;
    let before = files(&bench.path("hostile"));
    let plugin_call = if expected == Limit::Time { BRIEF } else { PATIENCE };
    let mut plugin = bench.start(&bench.code(process), "hostile", Some(Limits { plugin_call, ..small() }));
    let error = refused(plugin.feed(0, &flights(2, 1)).and_then(|()| plugin.checkpoint()));
    match &error {
        RuntimeError::Limit { limit, .. } => assert_eq!(*limit, expected, "{error}"),
        _ => panic!("{error}"),
    }
    assert!(error.is_end() && error.to_string().contains(expected.name()), "{error}");
    assert!(!plugin.is_running(), "its store is gone");
    assert_eq!(plugin.memory_bytes(), 0);
    assert!(matches!(refused(plugin.feed(0, &flights(2, 1))), RuntimeError::Ended { .. }));
    assert_eq!(files(&bench.path("hostile")), before, "its last checkpoint is intact, and nothing beside it");
    plugin.restart().unwrap();
    assert_eq!(plugin.recovered().map(|recovered| recovered.checkpoint_id), Some(1));
    drop(plugin);
    street.goes_on();
}

#[test]
fn an_endless_loop() {
    check(Limit::Time, "(loop $again (br $again)) (unreachable)");
}

#[test]
fn a_memory_bomb() {
    check(
        Limit::Memory,
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)",
    );
}

#[test]
fn a_table_bomb() {
    let grow = "(table.grow $table (ref.null func) (i32.const 10000))";
    check(Limit::Tables, &format!("(loop $more (br_if $more (i32.ne {grow} (i32.const -1)))) (unreachable)"));
}

#[test]
fn deep_recursion() {
    let again = "(call $process (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
        (local.get 6))";
    check(Limit::Stack, &format!("{again} (i32.add (i32.const 1))"));
}

#[test]
fn huge_lists() {
    check(Limit::CallBytes, &(put(8, 2 << 20) + OK));
}

#[test]
fn a_flood_of_cursors() {
    let open = "(call $iterate (i32.const 0) (i32.const 0) (i32.const 4096))";
    check(Limit::Handles, &format!("(loop $more {open} (br $more)) (unreachable)"));
}

#[test]
fn a_flood_of_handles_of_its_own() {
    check(Limit::Handles, "(loop $more (drop (call $thing (i32.const 1))) (br $more)) (unreachable)");
}

#[test]
fn an_output_flood() {
    let emit = "(call $emit (i32.const 65536) (i32.const 1000) (i32.const 4096))";
    check(Limit::Output, &format!("(loop $more {emit} (br $more)) (unreachable)"));
}

#[test]
fn what_it_says_before_it_ends_is_kept_and_never_waited_for() {
    let street = Street::new();
    let say = |at: u32, bytes: u32| {
        format!("(call $say (local.get $out) (i32.const {at}) (i32.const {bytes}) (i32.const 4200))")
    };
    let process = format!(
        "(local $n i32) (local $out i32) (local.set $out (call $stderr))
        (memory.fill (i32.const 8192) (i32.const 97) (i32.const 4096))
        (loop $more {} (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $n) (i32.const 1000))))
        (i32.store (i32.const 4096) (i32.const 0x21657962)) {} (unreachable)",
        say(8192, 4096),
        say(4096, 4)
    );
    let code = street.bench.code(&process);
    let mut plugin = street.bench.start(&code, "hostile", Some(small()));
    let error = plugin.feed(0, &flights(2, 1)).unwrap_err().to_string();
    assert!(error.contains("aaabye!") && error.len() < 6_000, "{error}");
    street.goes_on();
}

#[test]
fn a_disk_filled_at_once() {
    // Eight values of 900,000 bytes: within every limit but that of the disk, and never written.
    let each = put(8, 900_000);
    check(Limit::DiskBytes, &format!("{} {OK}", each.repeat(8)));
}

#[test]
fn a_disk_filled_little_by_little() {
    let street = Street::new();
    let bench = &street.bench;
    let mut plugin = bench.start(&bench.code(&(put(8, 300_000) + OK)), "hostile", Some(small()));
    let mut taken = Vec::new();
    let error = loop {
        match plugin.feed(0, &flights(2, 1)).and_then(|()| plugin.checkpoint()) {
            Ok(report) => taken.push(report.info.id),
            Err(error) => break error,
        }
        assert!(taken.len() < 100, "no limit holds it");
    };
    assert!(matches!(error, RuntimeError::Limit { limit: Limit::DiskBytes, .. }), "{error}");
    let used: usize = files(&bench.path("hostile")).values().map(Vec::len).sum();
    assert!(used <= 4 << 20, "{used} bytes");
    // One key for each batch that was checkpointed, the first of them over the one of before: what was
    // reported is there, and nothing of what was refused.
    assert!(taken.len() > 1, "{taken:?}");
    assert_eq!(bench.state("hostile").len(), taken.len());
    street.goes_on();
}

#[test]
fn a_disk_filled_by_rewriting_what_is_there() {
    // The same four values again and again: the state stays small, and what fills the directory is
    // deltas, and the bases that rebases rewrite beside them.
    let rewrite =
        "(i32.store (i32.const 8192) (i32.and (i32.add (i32.load (i32.const 8192)) (i32.const 1)) (i32.const 3)))
        (call $put (i32.const 8192) (i32.const 8) (i32.const 65536) (i32.const 300000) (i32.const 4096))";
    let street = Street::new();
    let bench = &street.bench;
    let code = bench.code(&format!("{rewrite} {OK}"));
    let used = |name: &str| files(&bench.path(name)).values().map(Vec::len).sum::<usize>();
    // Most of what it ever takes, unhindered.
    let mut free = bench.start(&code, "free", None);
    let most = (0..40).map(|_| {
        free.feed(0, &flights(2, 1)).and_then(|()| free.checkpoint()).expect("no limit is near");
        used("free")
    });
    let most = most.max().expect("forty");
    let mut ended = Vec::new();
    for percent in [40, 60, 80, 95] {
        let name = format!("held-{percent}");
        let limit = most * percent / 100;
        let limits = Limits { disk_bytes: limit as u64, ..Limits::default() };
        let mut plugin = bench.start(&code, &name, Some(limits));
        let mut last = 0;
        let error = (0..40).find_map(|_| match plugin.feed(0, &flights(2, 1)).and_then(|()| plugin.checkpoint()) {
            Ok(report) => {
                last = report.info.id;
                assert!(used(&name) <= limit, "{} of {limit} bytes after checkpoint {last}", used(&name));
                None
            }
            Err(error) => Some(error),
        });
        match error {
            Some(error) => {
                assert!(matches!(error, RuntimeError::Limit { limit: Limit::DiskBytes, .. }), "{error}");
                ended.push(percent);
            }
            // A rebase for which there is no room waits until there is: less disk is enough then.
            None => assert_eq!(last, 40, "{percent} %"),
        }
        assert!(used(&name) <= limit, "{} of {limit} bytes at the end", used(&name));
        plugin.restart().expect("its last checkpoint is intact");
        assert_eq!(plugin.recovered().map_or(0, |recovered| recovered.checkpoint_id), last, "{percent} %");
    }
    assert!(ended.contains(&40), "less than its state and what changes: {ended:?}");
    street.goes_on();
}

#[test]
fn many_small_files() {
    let street = Street::new();
    let bench = &street.bench;
    let limits = Some(Limits { disk_files: 30, ..Limits::default() });
    let options = PluginOptions { limits, max_retained: 1_000, ..PluginOptions::default() };
    let code = bench.code(&(put(8, 10) + OK));
    let mut plugin = bench.host.start(&code, bench.path("hostile"), &options).unwrap();
    let error = loop {
        if let Err(error) = plugin.feed(0, &flights(2, 1)).and_then(|()| plugin.checkpoint()) {
            break error;
        }
        assert!(files(&bench.path("hostile")).len() <= 30);
    };
    assert!(matches!(error, RuntimeError::Limit { limit: Limit::DiskFiles, .. }), "{error}");
    drop(plugin);
    street.goes_on();
}

#[test]
fn checkpoints_too_often_have_to_wait_and_nothing_ends() {
    let bench = Bench::new();
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let limits = Some(Limits { checkpoints_per_second: 3, ..Limits::default() });
    let options = PluginOptions { limits, clock: clock.clone(), ..PluginOptions::default() };
    let mut plugin = bench.host.start(&bench.code(OK), bench.path("one"), &options).unwrap();
    for _ in 0..3 {
        plugin.checkpoint().unwrap();
    }
    for error in [refused(plugin.checkpoint()), refused(plugin.sync())] {
        assert!(matches!(error, RuntimeError::Limit { limit: Limit::CheckpointRate, .. }), "{error}");
        assert!(!error.is_end() && plugin.is_running());
    }
    clock.advance_ms(334);
    assert_eq!(plugin.checkpoint().unwrap().info.id, 4);
}

#[test]
fn more_instances_than_it_may_be_made_of() {
    let bench = Bench::new();
    let limits = Some(Limits { instances: 1, ..Limits::default() });
    let options = PluginOptions { limits, ..PluginOptions::default() };
    let error = refused(bench.host.start(&bench.code(OK), bench.path("one"), &options));
    assert!(matches!(error, RuntimeError::Limit { limit: Limit::Instances, .. }), "{error}");
}

#[test]
fn it_has_no_directory_to_escape_from() {
    let street = Street::new();
    // A list of directories that is not empty ends it.
    let look = "(call $directories (i32.const 4096))
        (if (i32.load (i32.const 4100)) (then (unreachable)))";
    let mut plugin = street.bench.start(&street.bench.code(&format!("{look} {OK}")), "hostile", Some(small()));
    plugin.feed(0, &flights(2, 1)).unwrap();
    drop(plugin);
    street.goes_on();
}

#[test]
fn a_trap_in_mid_batch() {
    let street = Street::new();
    let before = street.bench.state("hostile");
    let mut plugin = street.bench.start(&street.bench.code(&(put(8, 100) + "(unreachable)")), "hostile", Some(small()));
    let error = refused(plugin.feed(0, &flights(2, 1)));
    assert!(matches!(error, RuntimeError::Trap { who: "the plugin", .. }) && error.is_end(), "{error}");
    plugin.restart().unwrap();
    assert_eq!(plugin.with_engine(|engine| engine.len(0)).unwrap(), before.len() as u64, "half a batch is none");
    drop(plugin);
    street.goes_on();
}

#[test]
fn an_engine_that_ends_in_mid_checkpoint() {
    let street = Street::new();
    let bench = &street.bench;
    // The state fits, and what a checkpoint needs beside it does not: found by growing the state until
    // a checkpoint ends the engine.
    let limits = Limits { engine_memory_bytes: 20 << 20, disk_bytes: 1 << 30, ..Limits::default() };
    let code = bench.code(&(put(8, 1_000_000) + OK));
    let ends = (1..30).find_map(|values| {
        let mut plugin = bench.start(&code, "hostile", Some(limits));
        for _ in 0..values {
            plugin.feed(0, &flights(2, 1)).ok()?;
        }
        Some(plugin.checkpoint().err()).flatten()
    });
    let error = ends.expect("some state is too large to be checkpointed");
    assert!(matches!(error, RuntimeError::Limit { who: "the engine", limit: Limit::Memory, .. }), "{error}");
    let whole = bench.state("hostile");
    let mut plugin = bench.start(&code, "hostile", None);
    assert_eq!(plugin.with_engine(|engine| engine.len(0)).unwrap(), whole.len() as u64);
    plugin.feed(0, &flights(2, 1)).unwrap();
    plugin.checkpoint().unwrap();
    drop(plugin);
    street.goes_on();
}

#[test]
fn fuel_ends_a_call_at_the_same_step_every_time() {
    let bench = Bench::with(HostOptions { fuel: true, cache: Cache::none(), ..HostOptions::default() });
    let count = "(local $n i32)
        (loop $more (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $n) (i32.const 1000))))";
    let code = bench.code(&format!("{count} {OK}"));
    let suffices = |fuel: u64| {
        let limits = Limits { plugin_call_fuel: fuel, ..Limits::default() };
        let options = PluginOptions { limits: Some(limits), ..PluginOptions::default() };
        let started = bench.host.start(&code, bench.path("fuel"), &options);
        match started.and_then(|mut plugin| plugin.feed(0, &flights(1, 1))) {
            Ok(()) => true,
            Err(RuntimeError::Limit { limit: Limit::Fuel, .. }) => false,
            Err(error) => panic!("{error}"),
        }
    };
    let least = || {
        let (mut few, mut enough) = (0_u64, 100_000);
        assert!(suffices(enough) && !suffices(few));
        while enough - few > 1 {
            let middle = u64::midpoint(few, enough);
            if suffices(middle) { enough = middle } else { few = middle }
        }
        enough
    };
    let first = least();
    assert!(first > 4_000, "a thousand rounds of several steps: {first}");
    assert_eq!(first, least());
}
