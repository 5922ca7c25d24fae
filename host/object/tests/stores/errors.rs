//! What bad addresses and unreachable stores are answered with.

use alluvium_core::directory::{Directory, DirectoryErrorKind, block_on};
use alluvium_object::{ObjectDirectory, ObjectOptions};
use alluvium_test_servers::object::ObjectStore;

use crate::support::{file, impatient, open_at};

#[test]
fn addresses_that_are_wrong_say_why() {
    let check = |url: &str, expected: &str| {
        let refused = ObjectDirectory::from_url(url, ObjectOptions::default()).unwrap_err().to_string();
        assert!(refused.contains(expected), "{url}: {refused}");
    };
    check("bucket/prefix", "relative URL");
    check("ftp://bucket/prefix", "unknown scheme; known are s3, ");
    check("s3:///prefix", "the bucket is missing");
    check("s3://bucket/prefix?region=eu-1", "the only option behind ? is multipart=off");
    check("s3://bucket/prefix#1", "it ends with #");
    check("file:///there/is/no/such/directory", "open file:///there/is/no/such/directory");
    let secret = ObjectDirectory::from_url("s3://key:hush@bucket/prefix", ObjectOptions::default()).unwrap_err();
    assert!(secret.to_string().contains("credentials do not belong in an address"), "{secret}");
    assert!(!secret.to_string().contains("hush"), "{secret}");
}

#[cfg(not(feature = "gcp"))]
#[test]
fn an_address_whose_feature_is_off_names_it() {
    let refused = ObjectDirectory::from_url("gs://bucket/prefix", ObjectOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), DirectoryErrorKind::Unsupported);
    assert!(refused.to_string().contains("without the feature `gcp`"), "{refused}");
}

#[test]
fn a_bucket_that_does_not_exist_is_no_empty_directory() {
    let Some(server) = ObjectStore::moto() else { return };
    let options =
        server.environment().into_iter().fold(impatient(), |options, (name, value)| options.with_variable(name, value));
    let directory = ObjectDirectory::from_url("s3://missing/prefix", options).unwrap();
    let listed = block_on(directory.list()).unwrap_err();
    assert_eq!(listed.kind(), DirectoryErrorKind::Io);
    assert!(listed.to_string().contains("the bucket or container does not exist"), "{listed}");
    let created = block_on(directory.create(vec![file("a", "content")])).unwrap_err();
    assert!(created.to_string().contains("the bucket or container does not exist"), "{created}");
}

#[test]
fn a_store_that_cannot_be_reached_is_an_error_of_input_and_output() {
    let Some(server) = ObjectStore::moto() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let directory = open_at(&server, port, "a", impatient());
    let refused = block_on(directory.create(vec![file("a", "content")])).unwrap_err();
    assert_eq!(refused.kind(), DirectoryErrorKind::Io);
    assert!(refused.to_string().starts_with("create a: input/output error"), "{refused}");
}
