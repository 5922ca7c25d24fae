use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::directory::block_on::block_on;
use crate::directory::contract::{Directory, NewFile};
use crate::directory::error::DirectoryErrorKind;
use crate::directory::testing::conformance::{self, Handles};
use crate::directory::testing::simulated::{Fault, Node, Nodes, SimulatedDirectory};

fn batch(paths: &[&str]) -> Vec<NewFile> {
    paths.iter().map(|path| NewFile { path: (*path).into(), content: path.as_bytes().to_vec() }).collect()
}

fn files(nodes: &Nodes) -> Vec<&str> {
    let file = |(path, node): (&'_ String, &Node)| matches!(node, Node::File(_)).then_some(path.clone());
    nodes.iter().filter(|(path, node)| file((path, node)).is_some()).map(|(path, _)| path.as_str()).collect()
}

#[test]
fn it_passes_the_suite_of_every_directory() {
    let storages = Mutex::new(BTreeMap::new());
    let open = async |storage: &str| {
        let mut storages = storages.lock().unwrap();
        *storages.entry(storage.to_owned()).or_insert_with(|| &*Box::leak(Box::new(SimulatedDirectory::new(1))))
    };
    block_on(conformance::run(Handles::Many, open)).assert();
}

#[test]
fn a_crash_never_leaves_the_last_file_without_the_others() {
    let directory = SimulatedDirectory::new(1);
    directory.crash_at(0);
    assert!(block_on(directory.create(batch(&["a", "b", "c"]))).is_err());
    assert!(block_on(directory.list()).is_err(), "nothing works without power");
    let states = directory.crash_states();
    let mut seen: Vec<Vec<&str>> = states.iter().map(files).collect();
    seen.sort();
    seen.dedup();
    let expected: [&[&str]; 5] = [&[], &["a"], &["a", "b"], &["a", "b", "c"], &["b"]];
    assert_eq!(seen, expected);
    directory.restart();
    assert!(states.contains(&directory.to_nodes()));
    assert!(block_on(directory.list()).is_ok());
}

#[test]
fn deletes_may_come_back_until_they_resolve() {
    let directory = SimulatedDirectory::new(1);
    block_on(directory.create(batch(&["a", "b"]))).unwrap();
    directory.crash_at(1);
    let paths = ["a".to_string(), "b".to_string()];
    assert!(block_on(directory.delete(&paths)).is_err());
    assert_eq!(directory.crash_states().len(), 4);
    let resolved = SimulatedDirectory::new(1);
    block_on(resolved.create(batch(&["a", "b"]))).unwrap();
    block_on(resolved.delete(&paths)).unwrap();
    assert_eq!(resolved.crash_states(), [Nodes::new()]);
}

#[test]
fn lasting_errors_last_for_their_operation() {
    let directory = SimulatedDirectory::new(3);
    directory.inject(Fault { call: 1, kind: DirectoryErrorKind::NoSpace, lasting: true });
    block_on(directory.create(batch(&["a"]))).unwrap();
    for name in ["b", "c"] {
        let error = block_on(directory.create(batch(&[name]))).unwrap_err();
        assert_eq!(error.kind(), DirectoryErrorKind::NoSpace);
    }
    assert!(block_on(directory.read("a")).is_ok());
    directory.restart();
    assert!(block_on(directory.create(batch(&["d"]))).is_ok());
}

#[test]
fn the_same_seed_gives_the_same_states() {
    let play = |seed| {
        let directory = SimulatedDirectory::new(seed);
        let mut states = Vec::new();
        for round in 0..10_u32 {
            directory.crash_at(0);
            let paths: Vec<String> = (0..12).map(|n| format!("d/{round}-{n}")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            assert!(block_on(directory.create(batch(&paths))).is_err());
            states.push(directory.crash_states());
            directory.restart();
            states.push(vec![directory.to_nodes()]);
        }
        states
    };
    assert_eq!(play(5), play(5));
    assert_ne!(play(5), play(6));
}
