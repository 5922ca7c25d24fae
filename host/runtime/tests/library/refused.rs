//! A batch that its plugin refuses: it leaves nothing in the state, in the files or in what was emitted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use alluvium_core::ManualClock;
use alluvium_host::{Module, Plugin, PluginOptions, RuntimeError};

use crate::support::{Bench, OK, files, flights, refused};

/// An address whose first byte says that the result is an error. Its text is empty.
const REFUSE: &str = "(i32.store8 (i32.const 32) (i32.const 1)) (i32.const 32)";

/// `put` of a key of one letter, with a value of so many zeros.
fn put(letter: char, value: u32) -> String {
    let code = u32::from(letter);
    format!(
        "(i32.store8 (i32.const 8200) (i32.const {code}))
        (call $put (i32.const 8200) (i32.const 1) (i32.const 16384) (i32.const {value}) (i32.const 4096))"
    )
}

/// `delete` of a key of one letter.
fn delete(letter: char) -> String {
    let code = u32::from(letter);
    format!(
        "(i32.store8 (i32.const 8200) (i32.const {code}))
        (call $delete (i32.const 8200) (i32.const 1) (i32.const 4096))"
    )
}

const EMIT: &str = "(call $emit (i32.const 160) (i32.const 6) (i32.const 4096))";

/// A plugin that works a batch of one record in, and refuses a batch of two in the middle of its work.
fn code(bench: &Bench) -> Module {
    let good = [put('a', 3), put('b', 500), EMIT.to_owned()].concat();
    let bad = [put('a', 900), delete('b'), put('c', 7), put('c', 8), delete('c'), put('d', 0), delete('a')].concat();
    bench.code(&format!(
        "(if (i32.eq (local.get $count) (i32.const 2)) (then {bad} {EMIT} (return {REFUSE})))
        {good} {OK}"
    ))
}

fn start(bench: &Bench, name: &str) -> Plugin {
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let options =
        PluginOptions { store_id: Some(*b"refused and gone"), writer: Some(7), clock, ..PluginOptions::default() };
    bench.host.start(&code(bench), bench.path(name), &options).expect("it starts")
}

fn contents(bench: &Bench, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = bench.path(name);
    let relative = |path: PathBuf| path.strip_prefix(&root).expect("below it").to_owned();
    files(&root).into_iter().map(|(path, content)| (relative(path), content)).collect()
}

/// Two plugins get the same batches, and one of them refused batches between them as well.
#[test]
fn it_leaves_no_trace_in_state_files_and_emissions() {
    let bench = Bench::new();
    let (mut plain, mut disturbed) = (start(&bench, "plain"), start(&bench, "disturbed"));
    for round in 1..=3 {
        for _ in 0..2 {
            let error = refused(disturbed.feed(0, &flights(round, 2)));
            assert!(matches!(error, RuntimeError::Refused { .. }) && !error.is_end(), "{error}");
        }
        for plugin in [&mut plain, &mut disturbed] {
            plugin.feed(0, &flights(round, 1)).expect("a good batch");
        }
        refused(disturbed.feed(0, &flights(round, 2)));
        assert_eq!(disturbed.take_emitted(), plain.take_emitted(), "round {round}");
        for plugin in [&mut plain, &mut disturbed] {
            if round == 2 { plugin.sync().expect("a sync") } else { drop(plugin.checkpoint().expect("a checkpoint")) }
        }
    }
    let (plain, disturbed) = (contents(&bench, "plain"), contents(&bench, "disturbed"));
    assert_eq!(disturbed.keys().collect::<Vec<_>>(), plain.keys().collect::<Vec<_>>());
    assert!(plain.len() >= 4, "{:?}", plain.keys());
    assert!(disturbed == plain, "the same names with other bytes");
    let state = bench.state("disturbed");
    assert_eq!(
        state.iter().map(|(key, value)| (&key[..], value.len())).collect::<Vec<_>>(),
        [(&b"a"[..], 3), (b"b", 500)]
    );
}
