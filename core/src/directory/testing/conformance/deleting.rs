//! Checks of deleting files.

use crate::directory::contract::Directory;
use crate::directory::error::{DirectoryErrorKind as Kind, Operation};
use crate::directory::testing::conformance::support::{Outcome, creates, deletes, lists, reads, refuses};

pub(super) async fn deleting_twice_is_no_error<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/x", b"x"), ("y", b"y")]).await?;
    deletes(&directory, &["a/x"]).await?;
    deletes(&directory, &["a/x", "never", "never/there"]).await?;
    deletes(&directory, &["y", "y"]).await?;
    deletes(&directory, &[]).await?;
    lists(&directory, &[]).await
}

pub(super) async fn deleting_leaves_the_other_files<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/1", b"1"), ("a/10", b"10"), ("a/2", b"2"), ("b/1", b"3"), ("b/2", b"4")]).await?;
    deletes(&directory, &["a/1", "b/2"]).await?;
    lists(&directory, &[("a/10", 2), ("a/2", 1), ("b/1", 1)]).await?;
    reads(&directory, "a/10", b"10").await?;
    refuses(directory.read("a/1").await, Kind::NotFound, Operation::Read, "a/1")
}

pub(super) async fn a_directory_goes_with_its_last_file<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/1", b"1"), ("a/2", b"2"), ("b/1", b"3")]).await?;
    deletes(&directory, &["a/1"]).await?;
    lists(&directory, &[("a/2", 1), ("b/1", 1)]).await?;
    deletes(&directory, &["a/2", "b/1"]).await?;
    lists(&directory, &[]).await?;
    creates(&directory, &[("a/1", b"again")]).await?;
    reads(&directory, "a/1", b"again").await
}

pub(super) async fn a_deleted_name_is_free_again<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    for content in [b"first".as_slice(), b"", b"the third content is the longest"] {
        creates(&directory, &[("a/x", content)]).await?;
        reads(&directory, "a/x", content).await?;
        deletes(&directory, &["a/x"]).await?;
    }
    lists(&directory, &[]).await
}
