//! Directories over the servers of the tests.

use std::time::Duration;

use alluvium_core::directory::NewFile;
use alluvium_object::{ObjectDirectory, ObjectOptions};
use alluvium_test_servers::object::{BUCKET, ObjectStore};

/// Opens the directory below a prefix of a server that is reached through a port.
pub(crate) fn open_at(server: &ObjectStore, port: u16, prefix: &str, options: ObjectOptions) -> ObjectDirectory {
    let variables = server.environment_at(port);
    let options = variables.into_iter().fold(options, |options, (name, value)| options.with_variable(name, value));
    ObjectDirectory::from_url(&format!("s3://{BUCKET}/{prefix}"), options).expect("the address is right")
}

/// Opens the directory below a prefix of a server.
pub(crate) fn open(server: &ObjectStore, prefix: &str) -> ObjectDirectory {
    open_at(server, server.port(), prefix, ObjectOptions::default())
}

/// Options with few and short retries, for tests in which a store fails for good.
pub(crate) fn impatient() -> ObjectOptions {
    ObjectOptions::default().with_retries(1, Duration::from_secs(2))
}

pub(crate) fn file(path: &str, content: impl Into<Vec<u8>>) -> NewFile {
    NewFile { path: path.to_owned(), content: content.into() }
}
