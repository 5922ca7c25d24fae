//! The scripts of the golden directories with declared namespaces. They are a promise as those in `scripts` are.

use alluvium_core::model::namespace::{MergeOperator, Namespace, NamespaceKind, TimeDomain};
use alluvium_core::model::set;

use super::Recorder;

/// Namespaces beside the default one: in a base, in deltas, and in a log.
pub(super) fn namespaced(recorder: &mut Recorder) {
    let declare = |recorder: &mut Recorder, name: &str, kind| {
        recorder.manager.declare_namespace(&Namespace::new(0, name, kind)).expect("a sound declaration")
    };
    let put = |recorder: &mut Recorder, namespace: u32, key: &str, value: &str| {
        recorder.manager.put_in(namespace, key.as_bytes(), value.as_bytes()).expect("put");
    };
    let planes = declare(recorder, "planes", NamespaceKind::Hashed);
    for number in 0..30 {
        recorder.put(&format!("key {number}"), "of the default namespace");
        put(recorder, planes, &format!("N{number:05}"), &format!("{number} seats"));
    }
    recorder.at(1);
    recorder.checkpoint(1);
    let routes = declare(recorder, "routes", NamespaceKind::Ordered { route_bytes: 3 });
    for (at, route) in ["JFK-LAX", "JFK-SFO", "JF", "", "EWR-IAH"].into_iter().enumerate() {
        put(recorder, routes, route, &format!("flight {at}"));
        put(recorder, planes, route, "an equal key");
    }
    recorder.manager.delete_in(planes, b"N00003").expect("delete");
    recorder.delete("key 3");
    recorder.at(2);
    recorder.checkpoint(2);
    recorder.manager.delete_in(routes, b"JFK-SFO").expect("delete");
    put(recorder, routes, "JFK-LAX", "in a log");
    recorder.put("key 4", "in a log");
    recorder.at(3);
    recorder.sync(3);
    put(recorder, planes, "N00004", "in a log too");
    recorder.at(4);
    recorder.sync(4);
}

/// Timers of both clocks, entries that expire, one of them before a clock showed a time, and merges: in a base, in a
/// delta and in a log.
pub(super) fn timed(recorder: &mut Recorder) {
    let hashed = |name: &str| Namespace::new(0, name, NamespaceKind::Hashed);
    let timers = |name: &str, domain| Namespace::new(0, name, NamespaceKind::Timers(domain));
    let manager = &mut recorder.manager;
    let [ends, alarms, seen, counts, stops] = [
        timers("ends", TimeDomain::Event),
        timers("alarms", TimeDomain::Processing),
        hashed("seen").expiring(TimeDomain::Event, 90_000),
        hashed("counts").merging(MergeOperator::AddU64),
        hashed("stops").merging(MergeOperator::SetUnion),
    ]
    .map(|declaration| manager.declare_namespace(&declaration).expect("a sound declaration"));
    manager.put_in(seen, b"early", b"before any watermark").expect("put");
    let work = |recorder: &mut Recorder, epoch: u64| {
        let manager = &mut recorder.manager;
        let now = i64::try_from(epoch * 60_000).expect("small");
        for airport in ["JFK", "LAX"] {
            manager.set_timer(ends, now + 30_000, airport.as_bytes()).expect("timer");
            manager.merge_in(counts, airport.as_bytes(), &epoch.to_le_bytes()).expect("merge");
        }
        manager.set_timer(alarms, -now, b"").expect("timer");
        manager.take_timers(ends, now, 3).expect("timers");
        manager.put_in(seen, format!("flight {epoch}").as_bytes(), b"seen").expect("put");
        let stop = set::of([format!("stop {}", epoch % 3).as_bytes()]);
        manager.merge_in(stops, b"route", &stop).expect("merge");
        recorder.at(epoch);
    };
    for epoch in 1..=3 {
        work(recorder, epoch);
        recorder.checkpoint(epoch);
    }
    work(recorder, 4);
    recorder.sync(4);
}
