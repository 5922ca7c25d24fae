//! Checks of creating batches of files.

use crate::directory::contract::{Directory, NewFile};
use crate::directory::error::{DirectoryErrorKind as Kind, Operation};
use crate::directory::testing::conformance::support::{Outcome, creates, file, lists, names, reads, refuses, same};

pub(super) async fn a_batch_spans_directories_in_any_order<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("z/2", b"1"), ("a/1", b"2"), ("z/1", b"3"), ("m", b"4"), ("a/commit", b"5")]).await?;
    lists(&directory, &[("a/1", 1), ("a/commit", 1), ("m", 1), ("z/1", 1), ("z/2", 1)]).await?;
    reads(&directory, "z/2", b"1").await?;
    reads(&directory, "a/commit", b"5").await
}

pub(super) async fn creating_and_listing_shows_what_was_created<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("b", b"before"), ("gone", b"")]).await?;
    directory.delete(&["gone".into()]).await.map_err(|error| error.to_string())?;
    let file = |path: &str, content: &[u8]| NewFile { path: path.into(), content: content.to_vec() };
    let created = directory.create_and_list(vec![file("c/1", b"1"), file("a", b"commit")]).await;
    let listed = created.clone().map_err(|error| error.to_string())?;
    same("the listing", listed, directory.list().await.map_err(|error| error.to_string())?)?;
    lists(&directory, &[("a", 6), ("b", 6), ("c/1", 1)]).await?;
    // What is not wanted is left out, and what is in a directory that is not wanted.
    let only = directory.list_only(|path| path != "b" && path != "c").await;
    let only: Vec<String> = only.map_err(|error| error.to_string())?.into_iter().map(|entry| entry.path).collect();
    same("what is wanted", only, vec!["a".to_owned()])?;
    // A taken name is refused here as in `create`.
    let taken = directory.create_and_list(vec![file("d", b""), file("a", b"again")]).await;
    same("a taken name", taken.map_err(|error| error.kind()), Err(Kind::AlreadyExists))?;
    let nothing = directory.create_and_list(Vec::new()).await;
    same("nothing created", nothing.is_ok(), true)?;
    reads(&directory, "a", b"commit").await
}

pub(super) async fn creating_without_an_order_lists_what_was_created<D: Directory>(
    open: impl AsyncFn() -> D,
) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("b", b"before"), ("c/0", b"")]).await?;
    let create = async |paths: [&str; 3]| {
        let batch = paths.map(|path| file(path, path.as_bytes())).to_vec();
        directory.create_unordered_and_list_only(batch, |path| path != "c").await
    };
    let listed = create(["d/1", "a", "c/1"]).await.map_err(|error| error.to_string())?;
    let listed: Vec<(String, u64)> = listed.into_iter().map(|entry| (entry.path, entry.bytes)).collect();
    same(
        "what is wanted",
        listed,
        [("a", 1), ("b", 6), ("d/1", 3)].map(|(path, bytes)| (path.to_owned(), bytes)).to_vec(),
    )?;
    lists(&directory, &[("a", 1), ("b", 6), ("c/0", 0), ("c/1", 3), ("d/1", 3)]).await?;
    same("a taken name", create(["e", "a", "f"]).await.map_err(|error| error.kind()), Err(Kind::AlreadyExists))?;
    reads(&directory, "a", b"a").await
}

pub(super) async fn a_taken_name_fails_the_batch<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/taken", b"old"), ("taken", b"older")]).await?;
    for taken in ["a/taken", "taken"] {
        for at in 0..3 {
            let mut batch = vec![file("a/x", b"new"), file("y", b"new"), file("last/commit", b"new")];
            batch[at] = file(taken, b"new content, longer than the old one");
            refuses(directory.create(batch).await, Kind::AlreadyExists, Operation::Create, taken)?;
            let found = names(&directory).await?;
            same("whether the commit is there", found.iter().any(|name| name == "last/commit"), false)?;
            reads(&directory, "a/taken", b"old").await?;
            reads(&directory, "taken", b"older").await?;
            // Files before the taken name may exist. They would be in the way of the next round.
            let rest: Vec<String> = found.into_iter().filter(|name| !name.ends_with("taken")).collect();
            directory.delete(&rest).await.map_err(|error| error.to_string())?;
        }
    }
    lists(&directory, &[("a/taken", 3), ("taken", 5)]).await
}

pub(super) async fn a_name_twice_in_a_batch_fails_it<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    let batch = vec![file("twice", b"1"), file("a/between", b"2"), file("twice", b"3"), file("last", b"4")];
    refuses(directory.create(batch).await, Kind::AlreadyExists, Operation::Create, "twice")?;
    same("whether the commit is there", names(&directory).await?.iter().any(|name| name == "last"), false)?;
    let batch = vec![file("last", b"1"), file("last", b"2")];
    refuses(directory.create(batch).await, Kind::AlreadyExists, Operation::Create, "last")
}
