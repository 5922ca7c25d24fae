//! Merges: results are ordinary puts, what is malformed is refused before anything is applied, and limits hold.

use alluvium_core::directory::block_on;
use alluvium_core::model::namespace::{MergeOperator, Namespace, NamespaceKind, TimeDomain};
use alluvium_core::model::set;
use alluvium_core::{Columns, IncrementalCheckpointError as Error};
use alluvium_test_harness::{Expected, Manager, checkpoint, fresh, fresh_with, keep, open};

fn merging(manager: &mut Manager, operator: MergeOperator) -> u32 {
    let name = format!("{operator:?}");
    manager.declare_namespace(&Namespace::new(0, name, NamespaceKind::Hashed).merging(operator)).unwrap()
}

/// Applies operations with keys and values to a namespace.
fn apply(manager: &mut Manager, namespace: u32, operations: &[(u8, &[u8], &[u8])]) -> Result<u64, Error> {
    let ops: Vec<u8> = operations.iter().map(|(op, ..)| *op).collect();
    let key_lens: Vec<u32> = operations.iter().map(|(_, key, _)| key.len() as u32).collect();
    let value_lens: Vec<u32> = operations.iter().map(|(.., value)| value.len() as u32).collect();
    let keys = operations.iter().map(|(_, key, _)| *key).collect::<Vec<_>>().concat();
    let values = operations.iter().map(|(.., value)| *value).collect::<Vec<_>>().concat();
    let batch = Columns { ops: &ops, key_lens: &key_lens, value_lens: &value_lens, keys: &keys, values: &values };
    manager.apply_in(namespace, &batch)
}

const PUT: u8 = 0;
const DELETE: u8 = 1;
const MERGE: u8 = Columns::MERGE;

#[test]
fn each_operator_merges_within_a_batch_and_over_checkpoints() {
    let (directory, mut manager) = fresh();
    let number = |n: i64| n.to_le_bytes();
    let sum = merging(&mut manager, MergeOperator::AddI64);
    let (one, two) = (number(1), number(-2));
    apply(&mut manager, sum, &[(MERGE, b"k", &one), (MERGE, b"k", &two), (MERGE, b"l", &two)]).unwrap();
    apply(&mut manager, sum, &[(DELETE, b"l", b""), (MERGE, b"l", &one), (PUT, b"k", &one), (MERGE, b"k", &one)])
        .unwrap();
    assert_eq!(manager.get_many_in(sum, &[1, 1], b"kl").unwrap(), [Some(&number(2)[..]), Some(&number(1)[..])]);
    let all = [MergeOperator::Min, MergeOperator::Max, MergeOperator::Append, MergeOperator::SetUnion];
    let [least, most, list, set] = all.map(|operator| merging(&mut manager, operator));
    for value in [&b"b"[..], b"a", b"c"] {
        for namespace in [least, most, list] {
            manager.merge_in(namespace, b"k", value).unwrap();
        }
        manager.merge_in(set, b"k", &set::of([value, b"b"])).unwrap();
    }
    let check = |manager: &Manager| {
        let get = |namespace| manager.get_in(namespace, b"k").unwrap().unwrap().to_vec();
        assert_eq!([least, most, list].map(get), [b"a".to_vec(), b"c".to_vec(), b"bac".to_vec()]);
        assert_eq!(get(set), set::of([&b"a"[..], b"b", b"c"]));
    };
    check(&manager);
    let metadata = block_on(manager.create_checkpoint(0)).unwrap();
    assert_eq!(metadata.alluvium.unwrap().keys_changed, 2 + 4, "results are ordinary puts");
    manager.merge_in(list, b"l", b"in a log").unwrap();
    block_on(manager.sync(0)).unwrap();
    let mut manager = open(&directory).unwrap();
    check(&manager);
    manager.merge_in(list, b"l", b", and behind it").unwrap();
    assert_eq!(manager.get_in(list, b"l").unwrap(), Some(&b"in a log, and behind it"[..]));
    manager.begin_batch();
    manager.merge_in(list, b"l", b"!").unwrap();
    manager.rollback_batch().unwrap();
    assert_eq!(manager.get_in(list, b"l").unwrap(), Some(&b"in a log, and behind it"[..]));
}

#[test]
fn what_is_malformed_is_refused_before_anything_is_applied() {
    let (_, mut manager) = fresh();
    let plain = manager.declare_namespace(&Namespace::new(0, "plain", NamespaceKind::Hashed)).unwrap();
    let [sum, set] = [MergeOperator::AddU64, MergeOperator::SetUnion].map(|operator| merging(&mut manager, operator));
    let one = 1_u64.to_le_bytes();
    let before = Expected::of(&manager);
    for (namespace, operations) in [
        (0, &[(PUT, &b"k"[..], &one[..]), (MERGE, b"k", &one)][..]),
        (plain, &[(PUT, b"k", &one), (MERGE, b"k", &one)]),
        (sum, &[(MERGE, b"k", &one), (MERGE, b"k", b"seven b")]),
        (sum, &[(MERGE, b"k", &one), (PUT, b"l", b"")]),
        (set, &[(MERGE, b"k", b"\x01a"), (MERGE, b"k", b"\x01b\x01a")]),
        (set, &[(PUT, b"k", b"\x02a")]),
        (sum, &[(MERGE, b"k", &one), (3, b"k", &one)]),
    ] {
        let refused = apply(&mut manager, namespace, operations);
        assert!(matches!(refused, Err(Error::InvalidInput(_))), "{refused:?}");
        assert_eq!(Expected::of(&manager), before);
    }
    assert!(matches!(manager.put_in(sum, b"k", b""), Err(Error::InvalidInput(_))));
    assert!(matches!(manager.merge_in(plain, b"k", b""), Err(Error::InvalidInput(_))));
    assert_eq!(Expected::of(&manager), before);
}

/// Appending without end meets the limit of a value, and that of memory, each before anything is applied.
#[test]
fn appending_meets_the_limits() {
    let (_, mut manager) = fresh();
    let list = merging(&mut manager, MergeOperator::Append);
    let half = vec![1; 32 << 20];
    manager.merge_in(list, b"k", &half).unwrap();
    manager.merge_in(list, b"k", &half).unwrap();
    let refused = apply(&mut manager, list, &[(MERGE, b"l", b"1"), (MERGE, b"k", b"2")]);
    assert!(matches!(refused, Err(Error::LimitExceeded(_))), "{refused:?}");
    assert_eq!(
        (manager.len_in(list).unwrap(), manager.get_in(list, b"k").unwrap().map(<[u8]>::len)),
        (1, Some(64 << 20))
    );
    // A deletion and a put in the same batch begin again.
    apply(&mut manager, list, &[(DELETE, b"k", b""), (MERGE, b"k", b"2"), (MERGE, b"k", b"3")]).unwrap();
    assert_eq!(manager.get_in(list, b"k").unwrap(), Some(&b"23"[..]));

    let (_, mut manager) = fresh_with(keep(3).with_memory_limit_bytes(Some(64 << 20)));
    let list = merging(&mut manager, MergeOperator::Append);
    let mut appended = 0;
    let refused = loop {
        match manager.merge_in(list, b"k", &[7; 1_000]) {
            Ok(()) => appended += 1_000,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Error::LimitExceeded(_)), "{refused:?}");
    assert_eq!(manager.get_in(list, b"k").unwrap().map(<[u8]>::len), Some(appended));
    let held = manager.memory();
    assert!(held.state_bytes + held.changelog_bytes <= 64 << 20, "{held:?}");
    checkpoint(&mut manager);
    manager.merge_in(list, b"k", &[7; 1_000]).unwrap();
}

/// A merge into an entry that has expired begins again.
#[test]
fn what_has_expired_is_not_merged_into() {
    let (_, mut manager) = fresh();
    let declaration = Namespace::new(0, "n", NamespaceKind::Hashed).expiring(TimeDomain::Event, 100);
    let namespace = manager.declare_namespace(&declaration.merging(MergeOperator::Append)).unwrap();
    manager.set_watermark(0);
    for n in 0..2_000_u32 {
        manager.merge_in(namespace, &n.to_be_bytes(), b"old").unwrap();
    }
    manager.set_watermark(99);
    manager.merge_in(namespace, &1_999_u32.to_be_bytes(), b" and young").unwrap();
    manager.set_watermark(100);
    manager.merge_in(namespace, &1_998_u32.to_be_bytes(), b"new").unwrap();
    assert_eq!(manager.get_in(namespace, &1_999_u32.to_be_bytes()).unwrap(), Some(&b"old and young"[..]));
    assert_eq!(manager.get_in(namespace, &1_998_u32.to_be_bytes()).unwrap(), Some(&b"new"[..]));
}
