//! Checkpoints of the engine component, which writes them in pieces between batches.

use alluvium_host::{EngineError, Limit, Limits, Plugin, PluginOptions, RuntimeError};

use crate::support::{Bench, delays, files, flights, header, refused};

/// A plugin with a checkpoint, and more that no checkpoint has.
fn begun(bench: &Bench, limits: Option<Limits>) -> Plugin {
    let code = bench.host.load(delays()).expect("it loads");
    let options = PluginOptions { limits, ..PluginOptions::default() };
    let mut plugin = bench.host.start(&code, bench.path("one"), &options).expect("it starts");
    plugin.begin(0, &header()).expect("it begins");
    batch(&mut plugin);
    assert_eq!(plugin.checkpoint().expect("a checkpoint").info.id, 1);
    batch(&mut plugin);
    plugin
}

fn batch(plugin: &mut Plugin) {
    let consumed = plugin.source_offset("input").expect("an offset").unwrap_or(0);
    plugin.feed(0, &flights(consumed, 100)).expect("a batch");
    plugin.set_source_offset("input", consumed + 100).expect("an offset");
}

#[test]
fn the_stream_goes_on_and_what_comes_later_is_not_in_the_checkpoint() {
    let bench = Bench::new();
    let mut plugin = begun(&bench, None);
    // So much that it is not written after one batch.
    let keys: Vec<String> = (0..128).map(|key| format!("large-{key}")).collect();
    let value = vec![7; 256 << 10];
    for key in &keys {
        plugin.with_engine(|engine| engine.put(0, key.as_bytes(), &value)).expect("a value");
    }
    let before = files(&bench.path("one"));
    plugin.begin_checkpoint().expect("it freezes");
    assert_eq!(files(&bench.path("one")), before, "nothing is written yet");
    let mut batches = 0;
    let finished = loop {
        batch(&mut plugin);
        batches += 1;
        let finished = plugin.finished_checkpoints().expect("no failure");
        if !finished.is_empty() {
            break finished;
        }
        // Batches are short, and the disk takes its time.
        assert!(batches < 1_000_000, "it comes to its end");
    };
    assert!(batches > 1, "it was written after {batches} batches");
    assert_eq!(finished.iter().map(|report| report.info.id).collect::<Vec<_>>(), [2]);
    plugin.restart().expect("it restarts");
    assert_eq!(plugin.source_offset("input").expect("an offset"), Some(200));
    for key in &keys {
        assert!(plugin.with_engine(|engine| engine.delete(0, key.as_bytes())).expect("it was there"));
    }
    let results = plugin.results(true, 10).expect("results").join("\n");
    assert!(results.contains("\"flights\":200,"), "{results}");
}

#[test]
fn what_is_dropped_between_two_pieces_is_none() {
    let bench = Bench::new();
    for pieces in 0..12 {
        let _ = std::fs::remove_dir_all(bench.path("one"));
        let mut plugin = begun(&bench, None);
        plugin.begin_checkpoint().expect("it freezes");
        let finished = (0..pieces).any(|_| {
            batch(&mut plugin);
            !plugin.finished_checkpoints().expect("no failure").is_empty()
        });
        drop(plugin);
        let code = bench.host.load(delays()).expect("it loads");
        let mut plugin =
            bench.host.start(&code, bench.path("one"), &PluginOptions::default()).expect("it starts again");
        let id = plugin.recovered().expect("a checkpoint").checkpoint_id;
        // Durable before it is told is allowed, told before it is durable is not.
        assert!(id == 2 || (id == 1 && !finished), "{pieces} pieces: checkpoint {id}, told: {finished}");
        let offset = plugin.source_offset("input").expect("an offset");
        assert_eq!(offset, Some(id * 100), "{pieces} pieces");
        plugin.checkpoint().expect("a checkpoint");
    }
}

#[test]
fn other_writes_finish_it_first_and_it_is_told_all_the_same() {
    let bench = Bench::new();
    let mut plugin = begun(&bench, None);
    plugin.begin_checkpoint().expect("it freezes");
    batch(&mut plugin);
    assert_eq!(plugin.checkpoint().expect("a checkpoint").info.id, 3);
    plugin.begin_checkpoint().expect("it freezes");
    plugin.sync().expect("a log");
    let told = plugin.wait_for_checkpoints().expect("no failure");
    assert_eq!(told.iter().map(|report| report.info.id).collect::<Vec<_>>(), [2, 4]);
    assert!(plugin.wait_for_checkpoints().expect("no failure").is_empty(), "each is told once");
}

#[test]
fn too_many_are_refused_and_a_failure_is_told_at_the_end() {
    let bench = Bench::new();
    let mut plugin = begun(&bench, None);
    let error = loop {
        match plugin.begin_checkpoint() {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, RuntimeError::Engine(EngineError::Backpressure(_))), "{error}");
    assert!(!plugin.wait_for_checkpoints().expect("no failure").is_empty());
    plugin.close();
    let used: usize = files(&bench.path("one")).values().map(Vec::len).sum();
    let limits = Limits { disk_bytes: used as u64 + 100, ..Limits::default() };
    let code = bench.host.load(delays()).expect("it loads");
    let options = PluginOptions { limits: Some(limits), ..PluginOptions::default() };
    let mut plugin = bench.host.start(&code, bench.path("one"), &options).expect("it starts");
    plugin.begin(0, &header()).expect("it begins");
    batch(&mut plugin);
    plugin.begin_checkpoint().expect("it freezes");
    let error = refused(plugin.wait_for_checkpoints());
    assert!(matches!(error, RuntimeError::Limit { limit: Limit::DiskBytes, .. }), "{error}");
    assert!(!plugin.is_running());
}
