//! Checks of the names that a directory accepts, and of hostile names that it refuses.

use crate::directory::contract::Directory;
use crate::directory::error::{DirectoryErrorKind as Kind, Operation};
use crate::directory::testing::conformance::support::{Outcome, creates, file, lists, reads, refuses, same};

pub(super) async fn names_may_be_64_characters_long<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    let long = "abcdefghijklmnopqrstuvwxyz-0123456789_abcdefghijklmnopqrstuvwx.z";
    same("the length of the name", long.len(), 64)?;
    let path = format!("{long}/{long}");
    creates(&directory, &[(&path, b"deep"), (&long[1..], b"flat")]).await?;
    lists(&directory, &[(&path, 4), (&long[1..], 4)]).await?;
    reads(&directory, &path, b"deep").await
}

pub(super) async fn names_outside_the_contract_are_refused<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    let long = "x".repeat(65);
    let names = [
        "",
        ".",
        "..",
        "/",
        "a/",
        "/a",
        "//",
        "a//b",
        "../escape",
        "a/../b",
        "a/..",
        "./a",
        "/etc/passwd",
        "a/b/c",
        "a\\b",
        "c:",
        "c:/a",
        "nul\0",
        "UPPER",
        "a/Upper",
        "white space",
        "ümlaut",
        ".hidden",
        "a/.hidden",
        "a*",
        "a?",
        "con:",
        "a\n",
        &long,
    ];
    for name in names {
        let batch = vec![file("before", b"x"), file(name, b"x"), file("last", b"x")];
        refuses(directory.create(batch).await, Kind::Invalid, Operation::Create, name)?;
        // A wrong name is the caller's mistake. It is known before anything is done, so no file exists.
        lists(&directory, &[]).await?;
    }
    Ok(())
}
