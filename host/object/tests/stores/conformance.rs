//! The conformance suite of core over every store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alluvium_core::directory::testing::conformance::{CHECKS, Handles, SHARED_CHECKS, run};
use alluvium_core::directory::{Directory, block_on};
use alluvium_object::object_store::memory::InMemory;
use alluvium_object::{ObjectDirectory, ObjectOptions};
use alluvium_test_servers::object::ObjectStore;

use crate::support::{file, open, open_at};

/// Runs all parts of the suite.
fn conforms(open: impl Fn(&str) -> ObjectDirectory) {
    let checked = block_on(run(Handles::Many, async |storage: &str| open(storage))).assert();
    assert_eq!(checked, CHECKS.len() + SHARED_CHECKS.len());
}

#[test]
fn memory_conforms() {
    let stores = Mutex::new(BTreeMap::<String, Arc<InMemory>>::new());
    conforms(|storage| {
        let store = stores.lock().unwrap().entry(storage.to_owned()).or_default().clone();
        ObjectDirectory::over(store, "below/a-prefix", ObjectOptions::default()).unwrap()
    });
}

#[test]
fn local_files_conform() {
    let scratch = tempfile::tempdir().unwrap();
    conforms(|storage| {
        let path = scratch.path().join(storage);
        std::fs::create_dir_all(&path).unwrap();
        ObjectDirectory::from_url(&format!("file://{}", path.display()), ObjectOptions::default()).unwrap()
    });
}

#[test]
fn moto_conforms() {
    let Some(server) = ObjectStore::moto() else { return };
    conforms(|storage| open(&server, storage));
}

/// The suite has files of 5 MiB, which come in parts with these options.
#[test]
fn moto_conforms_with_files_in_parts() {
    let Some(server) = ObjectStore::moto() else { return };
    let options = ObjectOptions::default().with_read_bytes(1 << 20).with_multipart_bytes(Some(16));
    conforms(|storage| open_at(&server, server.port(), storage, options.clone()));
}

#[test]
fn a_file_in_many_parts_reads_back_and_is_exclusive() {
    let Some(server) = ObjectStore::moto() else { return };
    let directory = open(&server, "parts");
    let content: Vec<u8> = (0..21_u32 << 20).map(|at| (at % 251) as u8).collect();
    block_on(directory.create(vec![file("large", content.clone())])).unwrap();
    assert!(block_on(directory.read("large")).unwrap() == content);
    let range = block_on(directory.read_range("large", 3, 20 << 20)).unwrap();
    assert!(range == content[3..3 + (20 << 20)]);
    let again = block_on(directory.create(vec![file("large", vec![0; 9 << 20])]));
    assert_eq!(again.unwrap_err().to_string(), "create large: exists already");
    assert!(block_on(directory.read("large")).unwrap() == content, "the first content stays");
}

/// A caller may be on a thread of another runtime, where waiting for a runtime would panic.
#[test]
fn a_caller_may_be_within_another_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(InMemory::new());
        let directory = ObjectDirectory::over(store, "", ObjectOptions::default()).unwrap();
        block_on(directory.create(vec![file("a", "by blocking")])).unwrap();
        assert_eq!(directory.read("a").await.unwrap(), b"by blocking");
        drop(directory);
    });
}
