//! Checks of what a second handle on the same storage sees, opened later or at the same time.

use crate::directory::contract::Directory;
use crate::directory::error::{DirectoryErrorKind as Kind, Operation};
use crate::directory::testing::conformance::support::{Outcome, creates, deletes, file, lists, reads, refuses};

pub(super) async fn files_outlive_the_handle<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/x", b"sediment"), ("last", b"")]).await?;
    drop(directory);
    let directory = open().await;
    lists(&directory, &[("a/x", 8), ("last", 0)]).await?;
    reads(&directory, "a/x", b"sediment").await?;
    let taken = directory.create(vec![file("last", b"new")]).await;
    refuses(taken, Kind::AlreadyExists, Operation::Create, "last")?;
    reads(&directory, "last", b"").await
}

pub(super) async fn deletions_outlive_the_handle<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/x", b"x"), ("b/y", b"y"), ("b/z", b"z")]).await?;
    deletes(&directory, &["a/x", "b/y"]).await?;
    drop(directory);
    lists(&open().await, &[("b/z", 1)]).await
}

pub(super) async fn two_handles_see_the_same_files<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let (one, other) = (open().await, open().await);
    creates(&one, &[("a/x", b"from one")]).await?;
    creates(&other, &[("a/y", b"from the other")]).await?;
    reads(&other, "a/x", b"from one").await?;
    reads(&one, "a/y", b"from the other").await?;
    deletes(&one, &["a/x"]).await?;
    deletes(&other, &["a/y"]).await?;
    lists(&one, &[]).await?;
    creates(&one, &[("a/x", b"again")]).await?;
    lists(&other, &[("a/x", 5)]).await
}

pub(super) async fn of_two_handles_the_first_to_create_wins<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let (one, other) = (open().await, open().await);
    creates(&one, &[("segments/1", b"one"), ("commit/metadata", b"one")]).await?;
    let late = vec![file("segments/2", b"other"), file("commit/metadata", b"the other's")];
    refuses(other.create(late).await, Kind::AlreadyExists, Operation::Create, "commit/metadata")?;
    reads(&one, "commit/metadata", b"one").await?;
    reads(&other, "commit/metadata", b"one").await
}
