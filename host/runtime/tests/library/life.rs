//! A plugin's life: started, fed, checkpointed, restarted, restored, swapped, migrated, closed.

use alluvium::NativeDirectory;
use alluvium_host::{HostOptions, Migrated, Module, Plugin, PluginOptions, RuntimeError};

use crate::support::{Bench, OK, files, flights, refused};

/// `put` of one fixed key of one letter, with the value "yes".
fn put_letter(letter: char) -> String {
    let (at, code) = (8_200, u32::from(letter));
    format!(
        "(i32.store8 (i32.const {at}) (i32.const {code})) (i32.store (i32.const 8210) (i32.const 0x736579))
        (call $put (i32.const {at}) (i32.const 1) (i32.const 8210) (i32.const 3) (i32.const 4096))"
    )
}

fn keys(plugin: &mut Plugin) -> String {
    let key = |letter: char| letter.to_string().into_bytes();
    plugin
        .with_engine(|engine| {
            let mut found = String::new();
            for letter in 'a'..='z' {
                if engine.get(0, &key(letter))?.is_some() {
                    found.push(letter);
                }
            }
            Ok(found)
        })
        .unwrap()
}

#[test]
fn state_and_position_come_back_together() {
    let bench = Bench::new();
    let mut plugin = bench.neighbour();
    assert!(plugin.recovered().is_none());
    assert_eq!(plugin.identity().to_string(), "\"delays\" with schema version 1");
    plugin.feed(0, &flights(1, 500)).unwrap();
    plugin.set_source_offset("input", 500).unwrap();
    plugin.checkpoint().unwrap();
    plugin.feed(0, &flights(501, 100)).unwrap();
    plugin.set_source_offset("input", 600).unwrap();
    plugin.sync().unwrap();
    plugin.feed(0, &flights(601, 100)).unwrap();
    // Killed here, as it were: what came after the sync is forgotten.
    plugin.restart().unwrap();
    assert_eq!(plugin.source_offset("input").unwrap(), Some(600));
    assert_eq!(plugin.recovered().unwrap().wal_entries, 1);
    plugin.feed(0, &flights(601, 50)).unwrap();
    let lines = plugin.results(true, 100).unwrap();
    assert!(lines.len() == 1 && lines[0].contains("\"flights\":650"), "{lines:?}");
    plugin.set_source_offset("input", 650).unwrap();
    plugin.checkpoint().unwrap();
    // Back to the first one: as if nothing had come after.
    plugin.restore(1).unwrap();
    assert_eq!(plugin.source_offset("input").unwrap(), Some(500));
    assert!(plugin.results(true, 100).unwrap()[0].contains("\"flights\":500"));
    plugin.close();
    let again = bench.neighbour();
    assert_eq!(again.recovered().unwrap().checkpoint_id, 3);
}

#[test]
fn a_directory_has_one_plugin_at_a_time() {
    let bench = Bench::new();
    let plugin = bench.neighbour();
    let code = bench.code(OK);
    let error = refused(bench.host.start(&code, plugin.path(), &PluginOptions::default()));
    assert!(matches!(error, RuntimeError::Directory(_)), "{error}");
}

#[test]
fn code_of_the_same_version_takes_over_between_two_batches() {
    let bench = Bench::new();
    let emit = "(call $emit (i32.const 160) (i32.const 6) (i32.const 4096))";
    let mut plugin = bench.start(&bench.code(&(put_letter('a') + emit + OK)), "one", None);
    plugin.feed(0, &flights(1, 1)).unwrap();
    plugin.swap(&bench.code(&(put_letter('b') + emit + OK))).unwrap();
    plugin.feed(0, &flights(2, 1)).unwrap();
    assert_eq!(keys(&mut plugin), "ab", "nothing needed a checkpoint");
    assert_eq!(plugin.take_emitted()[0].bytes(), b"delays\ndelays\n", "nor was a line lost");
    assert_eq!(plugin.checkpoint().unwrap().info.id, 1);
    // Code that does not even begin changes nothing.
    let other = bench.version(2, OK, None);
    assert!(matches!(refused(plugin.swap(&other)), RuntimeError::OtherPlugin { .. }));
    plugin.feed(0, &flights(3, 1)).unwrap();
    assert_eq!(plugin.identity().schema_version, 1);
}

#[test]
fn code_of_another_version_takes_over_by_its_migration() {
    let bench = Bench::new();
    let mut plugin = bench.start(&bench.code(&(put_letter('a') + OK)), "one", None);
    plugin.feed(0, &flights(1, 1)).unwrap();
    plugin.set_source_offset("input", 1).unwrap();
    plugin.swap(&bench.version(2, &(put_letter('b') + OK), Some(&(put_letter('m') + OK)))).unwrap();
    assert_eq!((keys(&mut plugin).as_str(), plugin.identity().schema_version), ("am", 2));
    plugin.feed(0, &flights(2, 1)).unwrap();
    assert_eq!(keys(&mut plugin), "abm");
    plugin.restart().unwrap();
    assert_eq!(keys(&mut plugin), "am", "the migration is durable by itself");
    assert_eq!(plugin.recovered().unwrap().checkpoint_id, 2);
    assert_eq!(plugin.source_offset("input").unwrap(), Some(1));
}

#[test]
fn a_migration_that_fails_leaves_the_old_code_at_work() {
    let bench = Bench::new();
    let mut plugin = bench.start(&bench.code(&(put_letter('a') + OK)), "one", None);
    plugin.feed(0, &flights(1, 1)).unwrap();
    for fails in [
        "(unreachable)",
        // An error with an empty text.
        "(i32.store8 (i32.const 32) (i32.const 1)) (i32.const 32)",
        "(loop $more (br $more)) (unreachable)",
        "(call $emit (i32.const 160) (i32.const 6) (i32.const 4096)) (i32.const 16)",
    ] {
        let code = bench.version(2, OK, Some(&(put_letter('m') + fails)));
        refused(plugin.swap(&code));
        assert_eq!((keys(&mut plugin).as_str(), plugin.identity().schema_version), ("a", 1), "{fails}");
    }
    plugin.feed(0, &flights(2, 1)).unwrap();
    plugin.checkpoint().unwrap();
}

#[test]
fn a_migration_goes_from_one_checkpoint_to_the_next() {
    let bench = Bench::new();
    let mut plugin = bench.start(&bench.code(&(put_letter('a') + OK)), "one", None);
    plugin.feed(0, &flights(1, 1)).unwrap();
    plugin.checkpoint().unwrap();
    plugin.close();
    let migrate = |code: &Module| {
        let directory = NativeDirectory::open_exclusive(bench.path("one")).unwrap();
        bench.host.migrate(code, directory, &PluginOptions::default())
    };
    let version_2 = bench.version(2, OK, Some(&(put_letter('m') + OK)));
    let start = |code: &Module| bench.host.start(code, bench.path("one"), &PluginOptions::default());
    match refused(start(&version_2)) {
        RuntimeError::OtherPlugin { state, plugin, migrates } => {
            assert_eq!((state.schema_version, plugin.schema_version, migrates), (1, 2, true));
        }
        error => panic!("{error}"),
    }
    let before = files(&bench.path("one"));
    refused(migrate(&bench.version(3, OK, Some(&(put_letter('x') + "(unreachable)")))));
    refused(migrate(&bench.version(3, OK, None)));
    assert_eq!(files(&bench.path("one")), before, "a migration that fails changes nothing");
    let done = migrate(&version_2).unwrap();
    let expected = Migrated { plugin: "delays".to_owned(), from: 1, to: 2, before: 1, checkpoint: 2 };
    assert_eq!(done, Some(expected));
    assert_eq!(migrate(&version_2).unwrap(), None, "and there is nothing left to do");
    assert_eq!(bench.state("one").len(), 2);
    start(&version_2).unwrap();
    refused(start(&bench.code(OK)));
}

#[test]
fn many_plugins_on_many_threads_each_with_its_own_state() {
    let bench = Bench::with(HostOptions { pool: Some(40), ..HostOptions::default() });
    let delays = bench.host.load(crate::support::delays()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let (bench, delays) = (&bench, &delays);
            scope.spawn(move || {
                let mut plugins: Vec<_> =
                    (0..10).map(|n| bench.start(delays, &format!("{thread}-{n}"), None)).collect();
                for round in 0..3 {
                    for (n, plugin) in (1..).zip(&mut plugins) {
                        plugin.feed(0, &flights(1 + round, thread * 10 + n)).unwrap();
                        plugin.checkpoint().unwrap();
                    }
                }
            });
        }
    });
    for thread in 0..4_u32 {
        for n in 0..10 {
            let state = bench.state(&format!("{thread}-{n}"));
            let value = String::from_utf8(state[&b"UA:EWR-IAH"[..]].clone()).unwrap();
            assert!(value.starts_with(&format!("{{\"flights\":{},", 3 * (thread * 10 + n + 1))), "{value}");
        }
    }
    // All of the pool is free again, and no more than it holds.
    let all: Vec<_> = (0..40).map(|n| bench.start(&delays, &format!("again-{n}"), None)).collect();
    let error = refused(bench.host.start(&delays, bench.path("one too many"), &PluginOptions::default()));
    assert!(matches!(&error, RuntimeError::Host(why) if why.contains("pool is full")), "{error}");
    drop(all);
    bench.start(&delays, "one too many", None);
}
