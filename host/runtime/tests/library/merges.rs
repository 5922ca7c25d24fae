//! Values that the engine merges, asked through both engines.

use alluvium_host::{Limit, Limits, Plugin, RuntimeError};
use alluvium_hostile::attacks::{APPEND, DECLARE_APPENDED};
use alluvium_hostile::{Guest, OK};

use crate::support::{BRIEF, Bench, flights, refused};

/// The length of the value that is appended to.
fn appended(plugin: &mut Plugin) -> Option<usize> {
    plugin.with_engine(|engine| engine.get(1, &[1])).expect("an answer").map(|value| value.len())
}

#[test]
fn a_value_is_appended_to_until_it_is_as_long_as_it_may_be() {
    for (engine, bench) in Bench::both() {
        let code = bench.guest(&Guest::new().describe(DECLARE_APPENDED).process(&format!("{APPEND} {OK}")));
        let mut plugin = bench.start(&code, "appends", None);
        // 64 MiB are 67.1 megabytes. What would be longer is refused, and changes nothing.
        for (times, megabytes) in [(2, 2), (65, 67), (2, 67)] {
            for _ in 0..times {
                plugin.feed(0, &flights(1, 1)).unwrap_or_else(|error| panic!("{engine}: {error}"));
            }
            assert_eq!(appended(&mut plugin), Some(megabytes * 1_000_000), "{engine}");
        }
    }
}

#[test]
fn appending_without_end_is_ended_and_undone() {
    let limits = Limits { plugin_call: BRIEF, ..Limits::default() };
    for (engine, bench) in Bench::both() {
        let endless = format!("(loop $more {APPEND} (global.set $free (i32.const 131072)) (br $more)) (unreachable)");
        let code = bench.guest(&Guest::new().describe(DECLARE_APPENDED).process(&endless));
        let mut plugin = bench.start(&code, "appends", Some(limits));
        plugin.checkpoint().expect("a checkpoint");
        let error = refused(plugin.feed(0, &flights(1, 1)));
        assert!(matches!(error, RuntimeError::Limit { limit: Limit::Time, .. }), "{engine}: {error}");
        plugin.restart().expect("it starts again");
        assert_eq!(appended(&mut plugin), None, "{engine}");
    }
}
