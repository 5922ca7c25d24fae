//! Where checkpoints are: in a directory of the file system, or on an object store.

use std::path::{Path, PathBuf};

use alluvium::NativeDirectory;
use alluvium_core::directory::{Directory, DirectoryError, Entry, NewFile, Wanted};
#[cfg(feature = "object")]
use alluvium_object::{ObjectDirectory, ObjectOptions};

use crate::failure::Failure;

/// The schemes of the addresses of object stores.
const SCHEMES: &[&str] = &["s3", "s3a", "gs", "az", "azure", "abfs", "abfss"];

/// What an argument for a directory stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// A path of the file system.
    Files(PathBuf),
    /// The address of a prefix on an object store.
    Store(&'a str),
}

impl<'a> Place<'a> {
    /// Tells a path from an address. `file:///PATH` is a path.
    pub(crate) fn of(argument: &'a Path) -> Result<Self, Failure> {
        let Some((scheme, rest)) = argument.to_str().and_then(|text| text.split_once("://")) else {
            return Ok(Self::Files(argument.to_owned()));
        };
        if SCHEMES.contains(&scheme) {
            return Ok(Self::Store(argument.to_str().unwrap_or_default()));
        }
        // A path may well have a colon, but no scheme has a slash.
        if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            return Ok(Self::Files(argument.to_owned()));
        }
        if scheme != "file" {
            return Err(Failure::at(argument.display(), "checkpoints cannot be kept at such an address")
                .hint("name a directory, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"));
        }
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        if !path.starts_with('/') {
            return Err(Failure::at(argument.display(), "names no absolute path").hint("write it as file:///PATH"));
        }
        let decoded = percent_encoding::percent_decode_str(path).collect::<Vec<u8>>();
        let decoded = String::from_utf8(decoded).map_err(|error| Failure::at(argument.display(), error))?;
        Ok(Self::Files(PathBuf::from(decoded)))
    }
}

/// A directory of either kind.
pub(crate) enum Storage {
    Files(NativeDirectory),
    #[cfg(feature = "object")]
    Object(ObjectDirectory),
}

#[cfg(feature = "object")]
impl Storage {
    /// Opens the directory on an object store, without a request.
    pub(crate) fn object(url: &str) -> Result<Self, Failure> {
        let opened = ObjectDirectory::from_url(url, ObjectOptions::default());
        opened.map(Self::Object).map_err(|error| Failure::directory(Path::new(url), &error))
    }
}

#[cfg(not(feature = "object"))]
impl Storage {
    /// Says how to build a command that can open it.
    pub(crate) fn object(url: &str) -> Result<Self, Failure> {
        Err(Self::without_object_stores(url))
    }

    pub(crate) fn without_object_stores(url: &str) -> Failure {
        Failure::at(url, "this command was built without object stores")
            .hint("build it with `cargo build --release -p alluvium-cli --features object`")
    }
}

/// Does the same with either kind.
macro_rules! either {
    ($storage:expr, $directory:ident => $what:expr) => {
        match $storage {
            Storage::Files($directory) => $what,
            #[cfg(feature = "object")]
            Storage::Object($directory) => $what,
        }
    };
}

impl Directory for Storage {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        either!(self, directory => directory.list().await)
    }
    async fn list_only(&self, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        either!(self, directory => directory.list_only(wanted).await)
    }
    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        either!(self, directory => directory.read(path).await)
    }
    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        either!(self, directory => directory.read_range(path, offset, length).await)
    }
    async fn read_at_most(&self, path: &str, bytes: u64) -> Result<Option<Vec<u8>>, DirectoryError> {
        either!(self, directory => directory.read_at_most(path, bytes).await)
    }
    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        either!(self, directory => directory.create(batch).await)
    }
    async fn create_and_list(&self, batch: Vec<NewFile>) -> Result<Vec<Entry>, DirectoryError> {
        either!(self, directory => directory.create_and_list(batch).await)
    }
    async fn create_and_list_only(&self, batch: Vec<NewFile>, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        either!(self, directory => directory.create_and_list_only(batch, wanted).await)
    }
    async fn create_unordered_and_list_only(
        &self,
        batch: Vec<NewFile>,
        wanted: Wanted,
    ) -> Result<Vec<Entry>, DirectoryError> {
        either!(self, directory => directory.create_unordered_and_list_only(batch, wanted).await)
    }
    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        either!(self, directory => directory.delete(paths).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_addresses() {
        let check = |argument: &str, expected: Place<'_>| {
            assert_eq!(Place::of(Path::new(argument)).expect("it is a place"), expected);
        };
        check("run/checkpoints", Place::Files("run/checkpoints".into()));
        check("s3://bucket/prefix", Place::Store("s3://bucket/prefix"));
        check("gs://bucket", Place::Store("gs://bucket"));
        check("file:///tmp/a%20b", Place::Files("/tmp/a b".into()));
        check("a/odd://name", Place::Files("a/odd://name".into()));
        check("s3:/bucket", Place::Files("s3:/bucket".into()));
    }

    #[test]
    fn other_addresses_are_refused() {
        let check = |argument: &str, expected: &str| {
            let refused = format!("{:?}", Place::of(Path::new(argument)).expect_err("it is no place"));
            assert!(refused.contains(expected), "{refused}");
        };
        check("http://host/path", "cannot be kept at such an address");
        check("memory:///a", "cannot be kept at such an address");
        check("file://relative", "names no absolute path");
    }

    #[cfg(not(feature = "object"))]
    #[test]
    fn without_the_feature_an_address_says_how_to_build_it() {
        let refused = format!("{:?}", Storage::object("s3://bucket/prefix").err().expect("it is refused"));
        assert!(refused.contains("--features object"), "{refused}");
    }
}
