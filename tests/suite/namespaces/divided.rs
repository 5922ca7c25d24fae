//! A state that is divided by hash: each part holds, in all namespaces, what belongs to the same routes.

use std::collections::BTreeSet;

use alluvium_core::directory::block_on;
use alluvium_core::model::hash_range::HashRange;
use alluvium_core::model::namespace::{NamespaceKind, TimeDomain};
use alluvium_core::model::timer::split_timer_key;
use alluvium_core::recovery::{RecoverOptions, RecoveredCheckpoint, recover};
use alluvium_test_harness::{checkpoint, fresh};

use super::declare;

const ROUTES: u16 = 300;

#[test]
fn the_parts_of_a_route_stay_together_and_the_parts_add_up() {
    let (directory, mut manager) = fresh();
    let hashed = declare(&mut manager, "hashed", NamespaceKind::Hashed);
    let ordered = declare(&mut manager, "ordered", NamespaceKind::Ordered { route_bytes: 2 });
    let timers = declare(&mut manager, "timers", NamespaceKind::Timers(TimeDomain::Event));
    for route in (0..ROUTES).map(u16::to_be_bytes) {
        manager.put(&route, b"default").unwrap();
        manager.put_in(hashed, &route, b"hashed").unwrap();
        for n in 0..5 {
            manager.put_in(ordered, &[&route[..], &[n]].concat(), b"ordered").unwrap();
            manager.set_timer(timers, i64::from(n) * 1_000, &route).unwrap();
        }
    }
    checkpoint(&mut manager);
    manager.put_in(ordered, b"\0\0in a log", b"").unwrap();
    block_on(manager.sync(0)).unwrap();

    let part = |first, last| {
        let options = RecoverOptions::new().hashes(HashRange::new(first, last).unwrap());
        block_on(recover(&*directory, &options)).unwrap().unwrap()
    };
    // The cut is within a key group.
    let cut = (29 << 58) + 12_345;
    let parts = [part(0, cut), part(cut + 1, u64::MAX)];
    let routes_of = |part: &RecoveredCheckpoint| -> [BTreeSet<Vec<u8>>; 4] {
        let keys = |id| part.namespace(id).expect("it is declared").iter().map(|(key, _)| key.to_vec());
        [
            part.state.iter().map(|(key, _)| key.to_vec()).collect(),
            keys(hashed).collect(),
            keys(ordered).map(|key| key[..2].to_vec()).collect(),
            keys(timers).map(|stored| split_timer_key(&stored).expect("it has a time").1.to_vec()).collect(),
        ]
    };
    for part in &parts {
        let [default, others @ ..] = routes_of(part);
        assert!(default.len() > 50 && others.iter().all(|other| *other == default), "{} routes", default.len());
    }
    let sum = |id| parts.iter().map(|part| part.namespace(id).expect("it is declared").len()).sum::<usize>();
    let routes = usize::from(ROUTES);
    assert_eq!([hashed, ordered, timers].map(sum), [routes, 5 * routes + 1, 5 * routes]);
    let digests = |id| {
        parts.iter().fold(0_u64, |sum, part| sum.wrapping_add(part.namespace(id).expect("it is declared").digest()))
    };
    for id in [hashed, ordered, timers] {
        assert_eq!(digests(id), manager.stored_in(id).unwrap().digest());
    }
}
