//! Asynchronous callers: one thread drives many plugins, and none of them holds it up.

use std::cell::RefCell;
use std::time::Duration;

use alluvium_host::{Limit, Limits, PluginOptions, RuntimeError};
use futures_lite::future::{block_on, poll_once, zip};

use crate::support::{Bench, OK, delays, flights, header, refused};

#[test]
fn a_plugin_that_takes_its_time_holds_up_no_other() {
    let bench = Bench::new();
    let delays = bench.host.load(delays()).unwrap();
    let slow = bench.code("(loop $again (br $again)) (unreachable)");
    let limits = Some(Limits { plugin_call: Duration::from_secs(5), ..Limits::default() });
    let ended = RefCell::new(Vec::new());
    block_on(async {
        let options = PluginOptions { limits, ..PluginOptions::default() };
        let slow = bench.host.spawn(&slow, bench.path("slow"), options).await.unwrap();
        let good = bench.host.spawn(&delays, bench.path("good"), PluginOptions::default()).await.unwrap();
        slow.begin(0, header()).await.unwrap();
        good.begin(0, header()).await.unwrap();
        zip(
            async {
                let error = refused(slow.feed(0, flights(1, 1)).await);
                assert!(matches!(error, RuntimeError::Limit { limit: Limit::Time, .. }), "{error}");
                ended.borrow_mut().push("slow");
                assert!(matches!(refused(slow.checkpoint().await), RuntimeError::Ended { .. }));
                slow.restart().await.unwrap();
            },
            async {
                for batch in 0..20 {
                    good.feed(0, flights(batch * 100 + 1, 100)).await.unwrap();
                }
                assert_eq!(good.checkpoint().await.unwrap().info.id, 1);
                ended.borrow_mut().push("good");
            },
        )
        .await;
    });
    assert_eq!(*ended.borrow(), ["good", "slow"], "the executor's one thread was free all the time");
}

#[test]
fn calls_are_done_in_order_whoever_waits_for_them() {
    let bench = Bench::new();
    let delays = bench.host.load(delays()).unwrap();
    block_on(async {
        let plugin = bench.host.spawn(&delays, bench.path("one"), PluginOptions::default()).await.unwrap();
        plugin.begin(0, header()).await.unwrap();
        // Futures that are dropped, polled once or not at all take nothing back.
        drop(plugin.feed(0, flights(1, 100)));
        let fed = plugin.feed(0, flights(101, 100));
        let polled = poll_once(plugin.feed(0, flights(201, 100))).await;
        let lines = plugin.with(|plugin| plugin.results(true, 10)).await.unwrap();
        assert!(lines[0].contains("\"flights\":300"), "{lines:?}, {:?}", polled.map(|answer| answer.is_ok()));
        fed.await.unwrap();
        plugin.checkpoint().await.unwrap();
        let checkpoint = plugin.checkpoint();
        // Dropping the handle lets what was asked for be done.
        drop(plugin);
        assert_eq!(checkpoint.await.unwrap().info.id, 2);
    });
}

#[test]
fn what_cannot_start_says_why_and_a_panic_is_an_answer() {
    let bench = Bench::new();
    let code = bench.code(OK);
    std::fs::write(bench.path("file"), b"no directory").unwrap();
    let error = refused(block_on(bench.host.spawn(&code, bench.path("file"), PluginOptions::default())));
    assert!(matches!(error, RuntimeError::Directory(_)), "{error}");
    let plugin = block_on(bench.host.spawn(&code, bench.path("one"), PluginOptions::default())).unwrap();
    let answer = plugin.with(|_| -> Result<(), RuntimeError> { panic!("on purpose") });
    assert!(refused(block_on(answer)).to_string().contains("thread has ended"));
    assert!(refused(block_on(plugin.checkpoint())).to_string().contains("thread has ended"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_distrusted_plugin_stands_behind_others() {
    let bench = Bench::new();
    let code = bench.code(OK);
    // The 19th field, counted behind the name in brackets.
    let of_thread = || -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse().unwrap()
    };
    let own = of_thread();
    for (niceness, expected) in [(0, own), (7, (own + 7).min(19)), (19, 19)] {
        let options = PluginOptions { niceness, ..PluginOptions::default() };
        let plugin = block_on(bench.host.spawn(&code, bench.path(&format!("of-{niceness}")), options)).unwrap();
        assert_eq!(block_on(plugin.with(move |_| Ok(of_thread()))).unwrap(), expected);
    }
    assert_eq!(of_thread(), own, "the caller's thread is as it was");
    let options = PluginOptions { niceness: 20, ..PluginOptions::default() };
    let error = refused(block_on(bench.host.spawn(&code, bench.path("two"), options)));
    assert!(error.to_string().contains("from 0 to 19"), "{error}");
}
