//! Calls of the engine that take long: they are part of the plugin's call, and end with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use alluvium_core::model::stop::Stop;
use alluvium_host::bindings::engine::alluvium::checkpoint::types::Columns;
use alluvium_host::{Limit, Limits, Plugin, RuntimeError};
use alluvium_hostile::OK;

use crate::support::{BRIEF, Bench, flights, refused};

/// Keys in the state: a pass over them takes tens of milliseconds.
const KEYS: u32 = 2_000_000;

/// Puts so many keys into the state, quickly.
fn fill(plugin: &mut Plugin, keys: u32) {
    for first in (0..keys).step_by(100_000) {
        let count = 100_000.min(keys - first);
        let batch = Columns {
            ops: vec![0; count as usize],
            key_lens: vec![4; count as usize],
            value_lens: vec![0; count as usize],
            keys: (first..first + count).flat_map(|key| key.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect(),
            values: Vec::new(),
        };
        let applied = plugin.with_engine(|engine| engine.apply(0, &batch)).expect("it applies");
        assert_eq!(applied, u64::from(count));
    }
}

#[test]
fn the_passes_of_walks_end_at_the_deadline_of_the_plugins_call() {
    // The plugin makes calls of the engine and nothing else: it has no loop, in which it would be stopped.
    let walk = "(call $iterate (i32.const 0) (i32.const 0) (i32.const 4096))
        (call $drop-cursor (i32.load (i32.const 4100)))";
    let process = format!("{} {OK}", walk.repeat(300));
    let limits = Limits { plugin_call: BRIEF, ..Limits::default() };
    for (name, bench) in Bench::both() {
        let mut plugin = bench.start(&bench.code(&process), "large", Some(limits));
        fill(&mut plugin, 1_000);
        plugin.checkpoint().expect("a checkpoint");
        fill(&mut plugin, KEYS);
        let error = refused(plugin.feed(0, &flights(1, 1)));
        assert!(matches!(&error, RuntimeError::Limit { who: "the plugin", limit: Limit::Time, .. }), "{name}: {error}");
        assert!(error.to_string().contains("what it asked of the engine"), "{name}: {error}");
        assert!(!plugin.is_running() && plugin.memory_bytes() == 0, "{name}: its stores are gone");
        // The engine went with it, and the checkpoint is as it was.
        plugin.restart().expect("it starts again");
        assert_eq!(plugin.with_engine(|engine| engine.len(0)).expect("a number"), 1_000, "{name}");
        // What the host itself asks of the engine has all the time that it takes.
        fill(&mut plugin, KEYS);
        let walk = plugin.with_engine(|engine| engine.iterate(0, b"")).expect("the host's own walk");
        let page = plugin.with_engine(|engine| engine.next(walk, 10)).expect("a page");
        assert_eq!(page.ops.len(), 10, "{name}");
        plugin.checkpoint().expect("a checkpoint");
    }
}

#[test]
fn one_pass_is_ended_in_its_middle() {
    for (name, bench) in Bench::both() {
        let mut plugin = bench.start(&bench.code(OK), "large", None);
        fill(&mut plugin, KEYS);
        // It is asked when the call begins, and then every few thousand keys.
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let stop = Stop::new(move || counted.fetch_add(1, Ordering::Relaxed) >= 20);
        let error = refused(plugin.with_engine(|engine| {
            engine.stop_when(Some(stop));
            let walk = engine.iterate(0, b"");
            engine.stop_when(None);
            walk
        }));
        assert!(matches!(&error, RuntimeError::Limit { limit: Limit::Time, .. }), "{name}: {error}");
        assert!((20..25).contains(&asked.load(Ordering::Relaxed)), "{name}: asked {asked:?} times");
        plugin.restart().expect("it starts again");
        // Without a stop in it, the same pass has hundreds of steps.
        fill(&mut plugin, KEYS);
        plugin
            .with_engine(|engine| {
                let counted = asked.clone();
                engine.stop_when(Some(Stop::new(move || counted.fetch_add(1, Ordering::Relaxed) == u32::MAX)));
                let walk = engine.iterate(0, b"");
                engine.stop_when(None);
                walk
            })
            .expect("a walk");
        assert!(asked.load(Ordering::Relaxed) > KEYS / 8_192, "{name}: asked {asked:?} times");
    }
}

#[test]
fn undoing_a_refused_batch_is_part_of_the_call() {
    for (name, bench) in Bench::both() {
        let mut plugin = bench.start(&bench.code(OK), "refusing", None);
        let error = refused(plugin.with_engine(|engine| {
            engine.begin_batch()?;
            engine.put(0, b"half", b"done")?;
            engine.stop_when(Some(Stop::new(|| true)));
            let undone = engine.rollback_batch();
            engine.stop_when(None);
            undone
        }));
        assert!(matches!(&error, RuntimeError::Limit { limit: Limit::Time, .. }), "{name}: {error}");
        assert!(!plugin.is_running(), "{name}: what is half undone is of no use");
        plugin.restart().expect("it starts again");
        assert_eq!(plugin.with_engine(|engine| engine.len(0)).expect("a number"), 0, "{name}");
    }
}
