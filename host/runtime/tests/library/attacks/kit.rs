//! Every attack of the kit, on many tenants by turns: each ends as it says, and every honest result is exact.

use alluvium_host::{Limits, Plugin, PluginOptions, RuntimeError};
use alluvium_hostile::{ATTACKS, Attack};

use crate::support::{BRIEF, Bench, PATIENCE, delays, files, flights, header, refused};

/// Honest tenants, and hostile ones.
const HONEST: u32 = 54;
const HOSTILE: usize = 6;
/// A directory of a hostile one.
const DISK_BYTES: u64 = 4 << 20;

fn limits(attack: &Attack) -> Limits {
    Limits {
        plugin_call: if attack.ends_by == "time" { BRIEF } else { PATIENCE },
        plugin_memory_bytes: 16 << 20,
        call_bytes: 1 << 20,
        disk_bytes: DISK_BYTES,
        handles: 100,
        ..Limits::default()
    }
}

/// Has a plugin do what it does: in a batch, in its results, or in what it leaves to be written.
fn perform(plugin: &mut Plugin) -> Result<(), RuntimeError> {
    plugin.feed(0, &flights(1, 1))?;
    let mut is_start = true;
    while !plugin.results(is_start, 10)?.is_empty() {
        is_start = false;
    }
    plugin.checkpoint().map(drop)
}

/// Checks that an attack ended as it says, and that a restart leaves nothing of it.
#[track_caller]
fn check_ended(attack: &Attack, plugin: &mut Plugin) {
    let error = refused(perform(plugin));
    assert!(error.to_string().contains(attack.ends_by), "{}: {error}", attack.name);
    assert_eq!(error.is_end(), !plugin.is_running(), "{}: {error}", attack.name);
    let used: usize = files(plugin.path()).values().map(Vec::len).sum();
    assert!(used as u64 <= DISK_BYTES, "{}: {used} bytes", attack.name);
    plugin.restart().unwrap_or_else(|error| panic!("{}: {error}", attack.name));
    let keys = plugin.with_engine(|engine| Ok(engine.len(0)? + engine.len(1).unwrap_or(0)));
    assert_eq!(keys.expect("a number"), 0, "{}", attack.name);
}

#[test]
fn sixty_tenants_of_which_six_are_hostile_by_turns() {
    let bench = Bench::new();
    let code = bench.host.load(delays()).expect("it loads");
    let mut honest: Vec<Plugin> = (0..HONEST).map(|at| bench.start(&code, &format!("honest-{at}"), None)).collect();
    let mut turns = 0;
    for attacks in ATTACKS.chunks(HOSTILE) {
        // Hostile tenants come and go; their directories stay.
        for (at, attack) in attacks.iter().enumerate() {
            let code = bench.guest(&(attack.guest)());
            let options = PluginOptions {
                limits: Some(limits(attack)),
                state_memory_bytes: 32 << 20,
                ..PluginOptions::default()
            };
            let mut hostile = bench.host.start(&code, bench.path(&format!("hostile-{at}")), &options).expect("starts");
            hostile.begin(0, &header()).expect("it begins");
            check_ended(attack, &mut hostile);
            turns += 1;
            for (tenant, plugin) in (1..).zip(&mut honest) {
                plugin.feed(0, &flights(turns, tenant)).expect("an honest batch");
            }
        }
        for plugin in &mut honest {
            plugin.checkpoint().expect("a checkpoint");
        }
    }
    assert_eq!(turns, ATTACKS.len() as u64);
    for (at, mut plugin) in honest.into_iter().enumerate() {
        let expected = format!("\"flights\":{},", turns * (at as u64 + 1));
        let results = plugin.results(true, 10).expect("results").join("");
        assert!(results.contains(&expected), "tenant {at}: {results} where {expected} was expected");
        plugin.close();
        let state = bench.state(&format!("honest-{at}"));
        let value = String::from_utf8(state[&b"UA:EWR-IAH"[..]].clone()).expect("text");
        assert!(value.contains(&expected), "tenant {at}: {value}");
    }
}
