//! Declarations: ids, what is refused, and how they follow checkpoints, WALs, restores and archives.

use alluvium_core::directory::block_on;
use alluvium_core::model::namespace::{NAMESPACES_MAX, Namespace, NamespaceKind};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::diff::{KeyChange, diff};
use alluvium_core::tools::verify::{Severity, verify};
use alluvium_core::{Columns, IncrementalCheckpointError as Error, archive};
use alluvium_test_harness::{
    Expected, Manager, checkpoint, empty, fresh, fresh_with, keep, memory, open, open_with, options,
};

use super::{declare, reopen};

const HASHED: NamespaceKind = NamespaceKind::Hashed;

fn check_sound(manager: &Manager) {
    let report = block_on(verify(&**manager.directory())).unwrap();
    assert!(!report.is_damaged(), "{:?}", report.findings);
}

#[test]
fn namespaces_have_keys_of_their_own() {
    let (directory, mut manager) = fresh();
    let (planes, routes) = (declare(&mut manager, "planes", HASHED), declare(&mut manager, "routes", HASHED));
    assert_eq!((planes, routes, declare(&mut manager, "planes", HASHED)), (1, 2, 1));
    manager.put(b"k", b"default").unwrap();
    manager.put_in(planes, b"k", b"plane").unwrap();
    let batch = Columns { ops: &[0, 0, 1], key_lens: &[1, 1, 1], value_lens: &[1, 2, 0], keys: b"kll", values: b"xyz" };
    assert_eq!(manager.apply_in(routes, &batch).unwrap(), 3);
    let check = |manager: &Manager| {
        assert_eq!(manager.get(b"k"), Some(&b"default"[..]));
        assert_eq!(manager.get_in(0, b"k").unwrap(), Some(&b"default"[..]));
        assert_eq!(manager.get_many_in(planes, &[1, 1], b"kl").unwrap(), [Some(&b"plane"[..]), None]);
        assert_eq!(manager.get_in(routes, b"k").unwrap(), Some(&b"x"[..]));
        assert_eq!([0, planes, routes].map(|id| manager.len_in(id).unwrap()), [1; 3]);
        assert_eq!(manager.iter_in(routes, b"").unwrap().collect::<Vec<_>>(), [(&b"k"[..], &b"x"[..])]);
    };
    check(&manager);
    let metadata = block_on(manager.create_checkpoint(0)).unwrap();
    assert_eq!(metadata.key_count, 3);
    check(&open(&directory).unwrap());
    check_sound(&manager);

    let mut walk = manager.walk_in(planes, b"").unwrap();
    assert!(manager.delete_in(planes, b"k").unwrap() && !manager.delete_in(planes, b"k").unwrap());
    assert_eq!(manager.next_page(&mut walk, 9, 9).unwrap(), []);
    manager.begin_batch();
    manager.put_in(planes, b"k", b"again").unwrap();
    manager.put_in(routes, b"k", b"other").unwrap();
    manager.put(b"k", b"other").unwrap();
    manager.delete_in(routes, b"k").unwrap();
    manager.rollback_batch().unwrap();
    assert_eq!((manager.get_in(planes, b"k").unwrap(), manager.get(b"k")), (None, Some(&b"default"[..])));
    assert_eq!(manager.get_in(routes, b"k").unwrap(), Some(&b"x"[..]));
    let second = checkpoint(&mut manager);
    let found = block_on(diff(&*directory, metadata.id, second)).unwrap();
    let gone = KeyChange { namespace: planes, key: b"k".to_vec(), before: Some(b"plane".to_vec()), after: None };
    assert_eq!(found.changes, [gone]);
    let recovered = block_on(recover(&*directory, &RecoverOptions::new())).unwrap().unwrap();
    let lens: Vec<_> = recovered.namespaces().map(|(declared, state)| (&*declared.name, state.len())).collect();
    assert_eq!((lens, recovered.state.len()), (vec![("planes", 0), ("routes", 1)], 1));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let (_, mut manager) = fresh();
    let planes = declare(&mut manager, "planes", HASHED);
    let invalid = |result: Result<(), Error>| assert!(matches!(result, Err(Error::InvalidInput(_))), "{result:?}");
    invalid(manager.put_in(7, b"k", b"v"));
    invalid(manager.delete_in(7, b"k").map(drop));
    invalid(manager.get_in(7, b"k").map(drop));
    invalid(manager.walk_in(7, b"").map(drop));
    invalid(manager.declare_namespace(&Namespace::new(0, "", HASHED)).map(drop));
    let other = Namespace::new(0, "planes", NamespaceKind::Ordered { route_bytes: 3 });
    invalid(manager.declare_namespace(&other).map(drop));
    assert!(matches!(manager.put_in(planes, &[0; 70_000], b""), Err(Error::LimitExceeded(_))));
    let spoiled = Columns { ops: &[0, 9], key_lens: &[1, 1], value_lens: &[1, 1], keys: b"ab", values: b"ab" };
    assert!(manager.apply_in(planes, &spoiled).is_err());
    assert_eq!((manager.len_in(planes).unwrap(), manager.namespaces().iter().len()), (0, 1));

    for number in 1..NAMESPACES_MAX {
        declare(&mut manager, &format!("number {number}"), HASHED);
    }
    let one_more = manager.declare_namespace(&Namespace::new(0, "one more", HASHED));
    assert!(matches!(one_more, Err(Error::LimitExceeded(_))), "{one_more:?}");
    assert!(manager.memory().state_bytes < 1 << 20, "empty namespaces take {:?}", manager.memory());
}

/// A WAL file knows the namespaces of its checkpoint only.
#[test]
fn a_sync_after_a_declaration_is_a_checkpoint() {
    let (directory, mut manager) = fresh();
    manager.put(b"k", b"1").unwrap();
    assert_eq!(checkpoint(&mut manager), 1);
    let planes = declare(&mut manager, "planes", HASHED);
    manager.put_in(planes, b"k", b"2").unwrap();
    block_on(manager.sync(1)).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(2));
    manager.put_in(planes, b"l", b"3").unwrap();
    block_on(manager.sync(2)).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(2), "a WAL file follows it");
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
    check_sound(&manager);

    // A schema is part of what is declared.
    manager.declare_namespace(&Namespace { schema: 4, ..Namespace::new(0, "planes", HASHED) }).unwrap();
    block_on(manager.sync(3)).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(3));
    assert_eq!(open(&directory).unwrap().namespaces().named("planes").map(|declared| declared.schema), Some(4));
}

/// A checkpoint that was prepared before a declaration and dropped does not make a WAL file possible.
#[test]
fn a_dropped_checkpoint_declares_nothing() {
    let (directory, mut manager) = fresh();
    checkpoint(&mut manager);
    let prepared = manager.prepare_checkpoint(1).unwrap();
    let planes = declare(&mut manager, "planes", HASHED);
    drop(prepared);
    manager.put_in(planes, b"k", b"1").unwrap();
    block_on(manager.sync(1)).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(2));
    manager.put_in(planes, b"k", b"2").unwrap();
    block_on(manager.sync(1)).unwrap();
    assert_eq!((manager.latest_checkpoint_id(), manager.wal_size() > 0), (Some(2), true));
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}

/// An id stays with its name, also if an older checkpoint becomes the newest, or is opened.
#[test]
fn ids_do_not_go_back() {
    let (directory, mut manager) = fresh();
    declare(&mut manager, "first", HASHED);
    let id = checkpoint(&mut manager);
    let second = declare(&mut manager, "second", HASHED);
    manager.put_in(second, b"k", b"1").unwrap();
    checkpoint(&mut manager);

    let mut older = open_with(&directory, keep(10), options().checkpoint(Some(id))).unwrap();
    assert_eq!((older.len_in(second).unwrap(), declare(&mut older, "third", HASHED)), (0, 3));
    drop(older);

    block_on(manager.restore_checkpoint(id)).unwrap();
    assert_eq!((manager.len_in(second).unwrap(), declare(&mut manager, "third", HASHED)), (0, 3));
    assert_eq!(declare(&mut reopen(&directory, &keep(10)), "second", HASHED), second);
    check_sound(&manager);
}

/// In another directory, namespaces are known by their names.
#[test]
fn an_archive_brings_namespaces_along() {
    let (directory, mut manager) = fresh();
    let (planes, routes) = (declare(&mut manager, "planes", HASHED), declare(&mut manager, "routes", HASHED));
    manager.put_in(planes, b"k", b"plane").unwrap();
    manager.put_in(routes, b"k", b"route").unwrap();
    checkpoint(&mut manager);
    let bytes = block_on(archive::export(&*directory, None)).unwrap();
    let alone = empty();
    block_on(archive::import(&bytes, alone.clone(), keep(10), options())).unwrap();
    assert_eq!(alone.to_files(), directory.to_files());

    let (other, mut own) = fresh();
    let (routes, own_only) = (declare(&mut own, "routes", HASHED), declare(&mut own, "own", HASHED));
    own.put_in(routes, b"l", b"gone").unwrap();
    own.put_in(own_only, b"l", b"gone").unwrap();
    checkpoint(&mut own);
    drop(own);
    block_on(archive::import(&bytes, other.clone(), keep(10), options())).unwrap();
    let imported = open(&other).unwrap();
    assert_eq!(Expected::of(&imported).namespaces, Expected::of(&manager).namespaces);
    assert_eq!(imported.namespaces().named("routes").map(|declared| declared.id), Some(routes));
    assert_eq!(imported.len_in(own_only).unwrap(), 0);

    // What is declared there in another way refuses the archive before anything changes.
    let (clash, mut own) = fresh();
    let mut declared = Namespace::new(0, "planes", HASHED);
    declared.schema = 9;
    own.declare_namespace(&declared).unwrap();
    checkpoint(&mut own);
    drop(own);
    block_on(archive::import(&bytes, clash.clone(), keep(10), options())).unwrap();
    assert_eq!(open(&clash).unwrap().namespaces().named("planes").map(|declared| declared.schema), Some(0));
}

/// A WAL file whose checkpoint is gone may hold records of namespaces that no one knows any more.
#[test]
fn an_orphaned_wal_file_is_not_damaged() {
    let (directory, mut manager) = fresh_with(keep(10).with_truncate_wal(false));
    let planes = declare(&mut manager, "planes", HASHED);
    let id = checkpoint(&mut manager);
    manager.put_in(planes, b"k", b"1").unwrap();
    block_on(manager.sync(1)).unwrap();
    block_on(manager.create_checkpoint(1)).unwrap();
    let mut files = directory.to_files();
    files.remove(&format!("checkpoint_{id:016x}/metadata.json"));
    let report = block_on(verify(&*memory(files))).unwrap();
    let wal = report.findings.iter().filter(|finding| finding.path.starts_with("wal/")).collect::<Vec<_>>();
    assert_eq!(wal.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Orphan], "{report:?}");
}
