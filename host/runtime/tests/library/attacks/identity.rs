//! Code that is not the one whose state it is: it gets no answer, and nothing of it stays.

use alluvium_host::{PluginOptions, RuntimeError};
use alluvium_hostile::Guest;

use crate::support::{Bench, flights, put, refused};

/// What a stranger may try before it is asked anything, and while it describes itself.
fn strangers() -> Vec<(String, Guest)> {
    let put = "(i32.store (i32.const 8192) (i32.const 7))
        (call $put (i32.const 8192) (i32.const 4) (i32.const 8192) (i32.const 4) (i32.const 4096))";
    let walk = "(call $iterate (i32.const 0) (i32.const 0) (i32.const 4096))";
    let emit = "(call $emit (i32.const 8192) (i32.const 4) (i32.const 4096))";
    let mut all = Vec::new();
    let timer = "(call $set-timer (i32.const 1) (i32.const 7) (i32.const 8192) (i32.const 4) (i32.const 4096))";
    let (clock, log) =
        ("(call $watermark (i32.const 4096))", "(call $log (i32.const 3) (i32.const 160) (i32.const 6))");
    for (interface, attack) in
        [("state", put), ("state", walk), ("sink", emit), ("time", timer), ("time", clock), ("logging", log)]
    {
        all.push((format!("called {interface} before its identity was accepted"), Guest::new().describe(attack)));
        // While it starts, there is nothing yet that leads out of it.
        let at_start = Guest::new().more(&format!("(start $at-start) (func $at-start {attack})"));
        all.push(("uninitialized element".to_owned(), at_start));
    }
    all
}

#[test]
fn state_and_sink_answer_only_after_identity_was_accepted() {
    let bench = Bench::new();
    let mut plugin = bench.start(&bench.code(&(put(8, 100) + "(i32.const 16)")), "one", None);
    plugin.feed(0, &flights(1, 1)).expect("a batch");
    plugin.checkpoint().expect("a checkpoint");
    for (expected, guest) in strangers() {
        let code = bench.guest(&guest);
        let error = refused(plugin.swap(&code)).to_string();
        assert!(error.contains(&expected), "{error}");
        assert!(plugin.is_running(), "the old code works on");
        let error = refused(bench.host.start(&code, bench.path("fresh"), &PluginOptions::default())).to_string();
        assert!(error.contains(&expected), "{error}");
    }
    let len = plugin.with_engine(|engine| engine.len(0)).expect("a number");
    assert_eq!(len, 1, "no stranger added a key");
    assert!(plugin.take_emitted().iter().all(alluvium_host::Emitted::is_empty));
    plugin.checkpoint().expect("a checkpoint");
    plugin.close();
    assert_eq!(bench.state("one").len(), 1);
}

#[test]
fn a_swap_that_fails_over_the_state_restarts_from_the_checkpoint() {
    let bench = Bench::new();
    let good = bench.code(&(put(8, 100) + "(i32.const 16)"));
    let mut plugin = bench.start(&good, "one", None);
    plugin.feed(0, &flights(1, 1)).expect("a batch");
    plugin.checkpoint().expect("a checkpoint");
    // It changes the state in `open`, and then fails in `begin`.
    let text = Guest::new().text();
    let put = "(i32.store (i32.const 8192) (i32.const 7))
        (call $put (i32.const 8192) (i32.const 4) (i32.const 8192) (i32.const 4) (i32.const 4096))";
    let opens = "#open\") (param i32 i32) (result i32) (i32.const 16))";
    let begins = "#begin\") (param i32 i32 i32) (result i32) (i32.const 16))";
    assert!(text.contains(opens) && text.contains(begins));
    let text = text.replace(opens, &opens.replace("(i32.const 16))", &format!("{put} (i32.const 16))")));
    let text = text.replace(begins, &begins.replace("(i32.const 16))", "(unreachable))"));
    let error = refused(plugin.swap(&bench.text(&text)));
    assert!(matches!(error, RuntimeError::Trap { .. }), "{error}");
    assert_eq!(plugin.with_engine(|engine| engine.len(0)).expect("a number"), 1, "what it put is not there");
    plugin.feed(0, &flights(2, 1)).expect("the old code works on");
    plugin.checkpoint().expect("a checkpoint");
}
