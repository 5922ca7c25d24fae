//! Timers, clocks, ranges, keys and messages, asked through both engines.

use alluvium_host::bindings::engine::alluvium::checkpoint::types::Columns;
use alluvium_host::{Limit, Limits, MessageLevel, Plugin, Range, RuntimeError};
use alluvium_hostile::attacks::DECLARE_ORDERED;
use alluvium_hostile::{Guest, OK};

use crate::support::{BRIEF, Bench, flights, refused};

/// The namespace of timers, the first that a plugin declares.
const QUEUE: u32 = 1;

/// Sets a timer, and does not look whether that was refused.
fn set(at: u32, key: u32) -> String {
    format!(
        "(i32.store (i32.const 8192) (i32.const {key}))
        (call $set-timer (i32.const 1) (i32.const {at}) (i32.const 8192) (i32.const 4) (i32.const 4096))"
    )
}

/// Emits the time and the number of timers of each call, one byte each and a letter.
const TELL: &str = "(i32.store8 (i32.const 9000) (i32.add (i32.const 48) (i32.wrap_i64 (local.get $at))))
    (i32.store8 (i32.const 9001) (i32.add (i32.const 97) (local.get $count)))
    (call $emit (i32.const 9000) (i32.const 2) (i32.const 4096))";

/// Returns the address of a refusal of timers, whose text is the name of the plugin.
const REFUSE: &str = "(i32.store8 (i32.const 9100) (i32.const 1)) (i32.store (i32.const 9104) (i32.const 160))
    (i32.store (i32.const 9108) (i32.const 6)) (i32.const 9100)";

fn timers(plugin: &mut Plugin) -> u64 {
    plugin.with_engine(|engine| engine.len(QUEUE)).expect("a number")
}

fn watermark(plugin: &mut Plugin, at_ms: i64) {
    plugin.with_engine(|engine| engine.set_watermark(at_ms)).expect("it is set");
}

fn emitted(plugin: &mut Plugin) -> String {
    String::from_utf8(plugin.take_emitted()[0].bytes().to_vec()).expect("text")
}

#[test]
fn timers_are_due_by_their_times_through_checkpoints_restarts_restores_and_engines() {
    for (engine, bench) in Bench::both() {
        let sets = [set(5, 1), set(3, 2), set(3, 1), set(9, 1)].concat();
        let code = bench.guest(&Guest::new().process(&format!("{sets} {OK}")).timers(&format!("{TELL} {OK}")));
        assert!(code.is_timed() && !code.is_keyed(), "{engine}");
        let mut plugin = bench.start(&code, "timed", None);
        plugin.feed(0, &flights(1, 1)).expect("a batch");
        assert_eq!(plugin.fire_timers().expect("none is due"), 0, "{engine}: there is no watermark");
        let before = plugin.checkpoint().expect("a checkpoint").info.id;
        watermark(&mut plugin, 5);
        assert_eq!(plugin.fire_timers().expect("two"), 2, "{engine}");
        // The rest is lost with the instance, and so is the clock.
        plugin.restart().expect("it starts again");
        assert_eq!(timers(&mut plugin), 4, "{engine}");
        assert!(!plugin.has_due_timers(Some(2), None).expect("an answer"), "{engine}");
        assert!(plugin.has_due_timers(Some(3), None).expect("an answer"), "{engine}");
        watermark(&mut plugin, 5);
        assert_eq!([2, 1, 0], [(); 3].map(|()| plugin.fire_timers().expect("they fire")), "{engine}");
        assert_eq!(emitted(&mut plugin), "3c\n5b\n", "{engine}");
        plugin.checkpoint().expect("a checkpoint");
        assert_eq!([1, 0], [(); 2].map(|()| plugin.fire_all_timers().expect("it fires")), "{engine}");
        plugin.finish().expect("it finishes");
        plugin.restore(before).expect("it is restored");
        assert_eq!(timers(&mut plugin), 4, "{engine}");
    }
}

#[test]
fn a_refusal_sets_the_timers_again() {
    for (engine, bench) in Bench::both() {
        let body = format!("{TELL} {} {REFUSE}", set(1, 7));
        let code = bench.guest(&Guest::new().process(&format!("{} {OK}", set(5, 1))).timers(&body));
        let mut plugin = bench.start(&code, "timed", None);
        plugin.feed(0, &flights(1, 1)).expect("a batch");
        watermark(&mut plugin, 5);
        let error = refused(plugin.fire_timers());
        assert_eq!(error.to_string(), "the plugin refuses timers: delays", "{engine}");
        assert_eq!((timers(&mut plugin), emitted(&mut plugin)), (1, String::new()), "{engine}");
        let first = plugin.with_engine(|engine| engine.first_timer(QUEUE)).expect("an answer");
        assert_eq!(first, Some(5), "{engine}: what it set is undone");
    }
}

#[test]
fn many_timers_of_one_time_come_in_bounded_calls() {
    let set_many = "(loop $more
        (i32.store (i32.const 8192) (local.get $input))
        (call $set-timer (i32.const 1) (i32.const 1) (i32.const 8192) (i32.const 4) (i32.const 4096))
        (br_if $more (i32.lt_u (local.tee $input (i32.add (local.get $input) (i32.const 1))) (i32.const 50000))))";
    for (engine, bench) in Bench::both() {
        let code = bench.guest(&Guest::new().process(&format!("{set_many} {OK}")).timers(OK));
        let mut plugin = bench.start(&code, "many", None);
        plugin.feed(0, &flights(1, 1)).expect("a batch");
        watermark(&mut plugin, 1);
        let mut calls = Vec::new();
        while let fired @ 1.. = plugin.fire_timers().expect("they fire") {
            calls.push(fired);
        }
        assert_eq!((calls.len(), calls[0], calls.iter().sum::<u64>()), (13, 4_096, 50_000), "{engine}");
        assert_eq!(timers(&mut plugin), 0, "{engine}");
    }
}

#[test]
fn timers_that_set_timers_without_end_are_ended() {
    let limits = Limits { chained_timers: 500, ..Limits::default() };
    for (engine, bench) in Bench::both() {
        let code =
            bench.guest(&Guest::new().process(&format!("{} {OK}", set(1, 1))).timers(&format!("{} {OK}", set(1, 1))));
        let mut plugin = bench.start(&code, "endless", Some(limits));
        plugin.feed(0, &flights(1, 1)).expect("a batch");
        watermark(&mut plugin, 1);
        let mut fired = 0;
        let error = loop {
            match plugin.fire_timers() {
                Ok(count) => fired += count,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, RuntimeError::Limit { limit: Limit::Timers, .. }), "{engine}: {error}");
        assert_eq!((fired, plugin.is_running()), (501, false), "{engine}");
    }
}

#[test]
fn timers_that_never_return_are_ended() {
    let limits = Limits { plugin_call: BRIEF, ..Limits::default() };
    for (engine, bench) in Bench::both() {
        let endless =
            Guest::new().process(&format!("{} {OK}", set(1, 1))).timers("(loop $again (br $again)) (unreachable)");
        let mut plugin = bench.start(&bench.guest(&endless), "endless", Some(limits));
        plugin.feed(0, &flights(1, 1)).expect("a batch");
        plugin.checkpoint().expect("a checkpoint");
        watermark(&mut plugin, 1);
        let error = refused(plugin.fire_timers());
        assert!(matches!(error, RuntimeError::Limit { limit: Limit::Time, .. }), "{engine}: {error}");
        plugin.restart().expect("it starts again");
        assert_eq!(timers(&mut plugin), 1, "{engine}: the timer is there as before");
    }
}

#[test]
fn a_deletion_of_everything_is_undone_with_its_batch() {
    const KEYS: u32 = 100_000;
    let all = "(i64.store (i32.const 9000) (i64.const -1))
        (call $delete-range (i32.const 1) (i32.const 8192) (i32.const 0) (i32.const 9000) (i32.const 8) (i32.const 4096))";
    let keys: Vec<u8> = (0..KEYS).flat_map(u32::to_be_bytes).collect();
    let every = Columns {
        ops: vec![0; KEYS as usize],
        key_lens: vec![4; KEYS as usize],
        value_lens: vec![1; KEYS as usize],
        keys,
        values: vec![b'v'; KEYS as usize],
    };
    for (engine, bench) in Bench::both() {
        let refuse = "(i32.store8 (i32.const 32) (i32.const 1)) (i32.const 32)";
        for (name, ending, left) in [("refuses", refuse, KEYS), ("takes", OK, 0)] {
            let code = bench.guest(&Guest::new().describe(DECLARE_ORDERED).process(&format!("{all} {ending}")));
            let mut plugin = bench.start(&code, name, None);
            plugin.with_engine(|engine| engine.apply(1, &every)).expect("a batch");
            let before = plugin.checkpoint().expect("a checkpoint").info;
            assert_eq!(plugin.feed(0, &flights(1, 1)).is_err(), left > 0, "{engine}, {name}");
            assert_eq!(
                plugin.with_engine(|engine| engine.len(1)).expect("a number"),
                u64::from(left),
                "{engine}, {name}"
            );
            let after = plugin.checkpoint().expect("a checkpoint").info;
            assert_eq!(after.key_count, u64::from(left), "{engine}, {name}");
            assert_eq!(before.key_count, u64::from(KEYS), "{engine}, {name}");
        }
    }
}

#[test]
fn a_plugin_that_declares_timers_takes_them() {
    let declares = "(i32.store (i32.const 224) (i32.const 1)) (i32.store8 (i32.const 360) (i32.const 2))
        (i32.store (i32.const 364) (i32.const 0))";
    for (engine, bench) in Bench::both() {
        let code = bench.guest(&Guest::new().describe(declares));
        let error = refused(bench.host.start(&code, bench.path("one"), &alluvium_host::PluginOptions::default()));
        assert!(error.to_string().contains("declares timers, and exports no `timed`"), "{engine}: {error}");
    }
}

#[test]
fn ranges_are_read_and_deleted_and_end_at_the_deadline() {
    let all = "(call $delete-range (i32.const 1) (i32.const 8192) (i32.const 0) (i32.const 9000) (i32.const 8)
        (i32.const 4096))";
    // What is deleted is set again, so that there is always something to delete.
    let endless = format!("(i64.store (i32.const 9000) (i64.const -1)) (loop $more {all} (br $more)) (unreachable)");
    let limits = Limits { plugin_call: BRIEF, ..Limits::default() };
    for (engine, bench) in Bench::both() {
        let code = bench.guest(&Guest::new().describe(DECLARE_ORDERED).process(&endless));
        let mut plugin = bench.start(&code, "ranges", Some(limits));
        plugin
            .with_engine(|engine| {
                for key in 0..100_u32 {
                    engine.put(1, &key.to_be_bytes(), b"value")?;
                }
                let range = Range { from: 10_u32.to_be_bytes().to_vec(), to: Some(20_u32.to_be_bytes().to_vec()) };
                let found = engine.scan(1, &range, true, 3)?;
                assert_eq!(found.keys, [19_u32, 18, 17].map(u32::to_be_bytes).concat());
                assert_eq!((engine.delete_range(1, &range)?, engine.len(1)?), (10, 90));
                let rest = Range { from: 95_u32.to_be_bytes().to_vec(), to: None };
                assert_eq!(engine.scan(1, &rest, false, 100)?.ops.len(), 5);
                assert!(engine.scan(0, &rest, false, 100).is_err(), "namespace 0 is not ordered");
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{engine}: {error}"));
        plugin.checkpoint().expect("a checkpoint");
        let error = refused(plugin.feed(0, &flights(1, 1)));
        assert!(matches!(error, RuntimeError::Limit { limit: Limit::Time, .. }), "{engine}: {error}");
        plugin.restart().expect("it starts again");
        assert_eq!(plugin.with_engine(|engine| engine.len(1)).expect("a number"), 90, "{engine}");
    }
}

#[test]
fn a_route_that_is_none_is_refused_and_one_without_end_is_ended() {
    let limits = Limits { plugin_call: BRIEF, ..Limits::default() };
    for (engine, bench) in Bench::both() {
        let code = bench.guest(&Guest::new().keyed(OK));
        assert!(code.is_keyed(), "{engine}");
        let mut plugin = bench.start(&code, "short", None);
        let error = refused(plugin.route(0, &flights(1, 3)));
        let expected = "the plugin refuses its input: it returned 0 keys of 0 bytes in 0 for 3 records";
        assert_eq!(error.to_string(), expected, "{engine}");
        let endless = bench.guest(&Guest::new().keyed("(loop $again (br $again)) (unreachable)"));
        let mut plugin = bench.start(&endless, "endless", Some(limits));
        let error = refused(plugin.route(0, &flights(1, 3)));
        assert!(matches!(error, RuntimeError::Limit { limit: Limit::Time, .. }), "{engine}: {error}");
        let none = bench.start(&bench.code(OK), "none", None).route(0, &flights(1, 3));
        assert!(refused(none).to_string().contains("exports no keys"), "{engine}");
    }
}

#[test]
fn messages_are_told_also_those_of_a_call_that_fails() {
    let log = "(call $log (i32.const 2) (i32.const 160) (i32.const 6))";
    for (engine, bench) in Bench::both() {
        let flood = format!(
            "(loop $more {log} (br_if $more (i32.lt_u (local.tee $input
            (i32.add (local.get $input) (i32.const 1))) (i32.const 100)))) {OK}"
        );
        let mut plugin = bench.start(&bench.code(&flood), "flood", None);
        plugin.feed(0, &flights(1, 1)).expect("a batch");
        let messages = plugin.take_messages();
        assert_eq!((messages.len(), messages[0].level, messages[0].text.as_str()), (65, MessageLevel::Warn, "delays"));
        assert!(messages[64].text.contains("36 more messages"), "{engine}");
        assert_eq!(plugin.take_messages(), [], "{engine}");
        let refuses = "(i32.store8 (i32.const 9100) (i32.const 1)) (i32.const 9100)";
        let mut plugin = bench.start(&bench.code(&format!("{log} {refuses}")), "refusing", None);
        refused(plugin.feed(0, &flights(1, 1)));
        assert_eq!(plugin.take_messages().len(), 1, "{engine}");
    }
}
