//! Results without an end, and what is emitted over many calls.

use alluvium_host::{Limit, Limits, RuntimeError};
use alluvium_hostile::{Guest, OK};

use crate::support::{Bench, flights, refused};

/// A page with one line at 8192, which is `text`.
fn page(text: &str) -> String {
    let stores: String = text.bytes().enumerate().fold(String::new(), |stores, (at, byte)| {
        stores + &format!("(i32.store8 (i32.const {}) (i32.const {byte}))", 8_192 + at)
    });
    format!(
        "{stores}
        (i32.store (i32.const 8448) (i32.const 8192)) (i32.store (i32.const 8452) (i32.const {}))
        (i32.store (i32.const 8464) (i32.const 0)) (i32.store (i32.const 8468) (i32.const 8448))
        (i32.store (i32.const 8472) (i32.const 1))",
        text.len()
    )
}

/// Pages without end. The key is a number of seven digits, and one more on each page.
fn endless() -> Guest {
    let digit = |at: u32, power: u32| {
        let number = "(global.get $page)";
        let digit = format!("(i32.rem_u (i32.div_u {number} (i32.const {power})) (i32.const 10))");
        format!("(i32.store8 (i32.const {}) (i32.add (i32.const 48) {digit}))", 8_200 + at)
    };
    let digits: String = (0..7).map(|at| digit(at, 10_u32.pow(6 - at))).collect();
    let count = "(global.set $page (i32.add (global.get $page) (i32.const 1)))";
    let code = format!("{} {count} {digits} (return (i32.const 8464))", page("{\"key\":\"0000000\"}"));
    Guest::new().more("(global $page (mut i32) (i32.const 0))").results(&code)
}

#[test]
fn endless_results_end_at_their_budget() {
    let bench = Bench::new();
    let code = bench.guest(&endless());
    for limits in
        [Limits { results: 1_000, ..Limits::default() }, Limits { results_bytes: 18_000, ..Limits::default() }]
    {
        let mut plugin = bench.start(&code, "endless", Some(limits));
        let mut pages = 0;
        let error = loop {
            match plugin.results(pages == 0, 10) {
                Ok(page) => assert_eq!(page.len(), 1),
                Err(error) => break error,
            }
            pages += 1;
        };
        assert!(matches!(error, RuntimeError::Limit { limit: Limit::Results, .. }), "{error}");
        assert_eq!(pages, 1_000, "{error}");
        assert!(!plugin.is_running());
    }
}

#[test]
fn results_out_of_order_or_form_are_refused_and_the_plugin_lives() {
    let bench = Bench::new();
    let again = format!("{} (return (i32.const 8464))", page("{\"key\":\"a\"}"));
    let mut plugin = bench.start(&bench.guest(&Guest::new().results(&again)), "again", None);
    assert_eq!(plugin.results(true, 10).expect("a page"), ["{\"key\":\"a\"}"]);
    let error = refused(plugin.results(false, 10));
    assert!(matches!(&error, RuntimeError::Refused { text, .. } if text.contains("does not come after")), "{error}");
    assert_eq!(plugin.results(true, 10).expect("from the beginning").len(), 1);
    let lines = refused(plugin.results(true, 0));
    assert!(lines.to_string().contains("1 lines where 0 were asked for"), "{lines}");
    let text = format!("{} (return (i32.const 8464))", page("{\"key\": \u{202e}"));
    let mut plugin = bench.start(&bench.guest(&Guest::new().results(&text)), "text", None);
    let error = refused(plugin.results(true, 10)).to_string();
    assert!(error.contains("\\u202e") && !error.contains('\u{202e}'), "{error}");
}

#[test]
fn what_is_emitted_over_many_calls_is_counted() {
    let bench = Bench::new();
    let emit = "(call $emit (i32.const 65536) (i32.const 1000) (i32.const 4096))";
    let code = bench.code(&format!("{emit} {OK}"));
    let feed = |limits| {
        let mut plugin = bench.start(&code, "emits", Some(limits));
        for batches in 0.. {
            if let Err(error) = plugin.feed(0, &flights(1, 1)) {
                assert!(matches!(error, RuntimeError::Limit { limit: Limit::Output, .. }), "{error}");
                return batches;
            }
            assert_eq!(plugin.take_emitted()[0].len(), 1);
            if batches == 2 {
                plugin.checkpoint().expect("a checkpoint");
            }
        }
        unreachable!("a budget ends it")
    };
    assert_eq!(feed(Limits { checkpoint_output_bytes: 10_100, ..Limits::default() }), 3 + 10);
    assert_eq!(feed(Limits { total_output_bytes: 10_100, ..Limits::default() }), 10);
}
