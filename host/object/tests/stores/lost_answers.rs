//! Creations whose answers are lost, and creations of others.

use std::sync::Arc;

use alluvium_core::directory::{Directory, DirectoryErrorKind, block_on};
use alluvium_object::{ObjectDirectory, ObjectOptions};
use alluvium_test_servers::object::ObjectStore;
use alluvium_test_servers::proxy::Proxy;

use crate::support::{file, open, open_at};
use alluvium_test_servers::watched::{Fault, Watched};

fn over(store: &Arc<Watched>) -> ObjectDirectory {
    ObjectDirectory::over(store.clone(), "here", ObjectOptions::default()).unwrap()
}

#[test]
fn a_creation_recognises_its_own_object() {
    let directory = over(&Arc::new(Watched::with(Fault::LosesAnswers)));
    block_on(directory.create(vec![file("a/1", "one"), file("a/2", "two")])).unwrap();
    assert_eq!(block_on(directory.read("a/2")).unwrap(), b"two");
}

#[test]
fn an_equal_object_of_another_creation_is_taken_for_its_own_by_none() {
    let store = Arc::new(Watched::with(Fault::None));
    block_on(over(&store).create(vec![file("a", "same")])).unwrap();
    for directory in [over(&store), over(&store)] {
        let refused = block_on(directory.create(vec![file("a", "same")])).unwrap_err();
        assert_eq!(refused.kind(), DirectoryErrorKind::AlreadyExists);
    }
}

#[test]
fn a_creation_is_repeated_after_a_conflict_with_one_that_failed() {
    let directory = over(&Arc::new(Watched::with(Fault::Conflicts)));
    block_on(directory.create(vec![file("a", "content")])).unwrap();
    assert_eq!(block_on(directory.read("a")).unwrap(), b"content");
}

/// The connection is cut after the server has the object, at every byte of the answer that a cut can hit.
#[test]
fn a_creation_whose_answer_is_cut_off_succeeds() {
    let Some(server) = ObjectStore::moto() else { return };
    let proxy = Proxy::start(server.port());
    let directory = open_at(&server, proxy.port(), "cut", ObjectOptions::default());
    for (number, bytes) in [0, 1, 12, 40].into_iter().enumerate() {
        let name = format!("a/{number}");
        let before = proxy.cuts();
        proxy.cut_answers_after(bytes);
        block_on(directory.create(vec![file(&name, "content")])).unwrap();
        assert!(proxy.cuts() > before, "nothing was cut");
        assert_eq!(block_on(directory.read(&name)).unwrap(), b"content");
        let other = block_on(open(&server, "cut").create(vec![file(&name, "content")]));
        assert_eq!(other.unwrap_err().kind(), DirectoryErrorKind::AlreadyExists);
    }
}

/// The same for an upload in parts. Each of its answers is cut once.
#[test]
fn an_upload_in_parts_whose_answers_are_cut_off_succeeds() {
    let Some(server) = ObjectStore::moto() else { return };
    let proxy = Proxy::start(server.port());
    let options = ObjectOptions::default().with_multipart_bytes(Some(16));
    let directory = open_at(&server, proxy.port(), "cut", options);
    // The answers to the beginning, to the part and to the end have between 200 and 700 bytes each.
    for bytes in (0..1_600).step_by(160) {
        let name = format!("a/{bytes}");
        proxy.cut_answers_after(bytes);
        block_on(directory.create(vec![file(&name, "more than sixteen bytes")])).unwrap();
        assert_eq!(block_on(directory.read(&name)).unwrap(), b"more than sixteen bytes");
    }
    assert!(proxy.cuts() > 5, "{} cuts", proxy.cuts());
}
