//! Checks of listing and reading.

use crate::directory::contract::Directory;
use crate::directory::error::{DirectoryErrorKind as Kind, Operation};
use crate::directory::testing::conformance::support::{Outcome, creates, lists, reads, reads_range, refuses, same};

pub(super) async fn a_new_directory_is_empty<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    lists(&directory, &[]).await?;
    creates(&directory, &[]).await?;
    lists(&directory, &[]).await
}

pub(super) async fn a_listing_is_in_order_of_path<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("b/2", b"22"), ("c", b"ccc"), ("b/1", b"1"), ("b-", b"")]).await?;
    creates(&directory, &[("a/9", b"")]).await?;
    // `-` sorts before `/`: listings are ordered by whole paths, not by directories.
    lists(&directory, &[("a/9", 0), ("b-", 0), ("b/1", 1), ("b/2", 2), ("c", 3)]).await
}

pub(super) async fn a_file_reads_back_whole<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    creates(&directory, &[("segments/bytes", &every_byte), ("plain", b"plain")]).await?;
    reads(&directory, "segments/bytes", &every_byte).await?;
    reads(&directory, "plain", b"plain").await
}

pub(super) async fn a_file_may_be_empty<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("empty", b"")]).await?;
    lists(&directory, &[("empty", 0)]).await?;
    reads(&directory, "empty", b"").await?;
    reads_range(&directory, "empty", 0, 0, Ok(b"")).await?;
    reads_range(&directory, "empty", 0, 1, Err(Kind::OutOfRange)).await
}

pub(super) async fn a_file_that_is_too_long_is_not_read<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("empty", b""), ("ten", b"0123456789")]).await?;
    let read = async |path, bytes| directory.read_at_most(path, bytes).await.map_err(|error| error.kind());
    same("a file of the length", read("ten", 10).await, Ok(Some(b"0123456789".to_vec())))?;
    same("a shorter file", read("ten", 1 << 40).await, Ok(Some(b"0123456789".to_vec())))?;
    same("a longer file", read("ten", 9).await, Ok(None))?;
    same("nothing of a file", read("ten", 0).await, Ok(None))?;
    same("an empty file", read("empty", 0).await, Ok(Some(Vec::new())))?;
    same("no file", read("missing", 10).await, Err(Kind::NotFound))
}

pub(super) async fn a_file_may_have_five_mib<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    // The period of the content divides no round chunk size, so that a misplaced chunk shows.
    let large: Vec<u8> = (0..5_u32 << 20).map(|at| (at % 251) as u8).collect();
    creates(&directory, &[("large", &large), ("last", b"last")]).await?;
    let found = directory.read("large").await.map_err(|error| error.to_string())?;
    same("the length read", found.len(), large.len())?;
    same("the position of the first wrong byte", found.iter().zip(&large).position(|(a, b)| a != b), None)?;
    let (start, end) = ((1 << 20) - 3, (4 << 20) + 5);
    let found = directory.read_range("large", start as u64, end - start).await.map_err(|error| error.to_string())?;
    same("whether a long range is right", found == large[start..end], true)
}

pub(super) async fn ranges_are_exact<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/f", b"0123456789")]).await?;
    for (offset, length) in [(0, 10), (0, 1), (9, 1), (4, 3), (0, 0), (10, 0)] {
        let expected = &b"0123456789"[offset..offset + length];
        reads_range(&directory, "a/f", offset as u64, length, Ok(expected)).await?;
    }
    Ok(())
}

pub(super) async fn ranges_past_the_end_are_out_of_range<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("f", b"0123456789")]).await?;
    for (offset, length) in [(0, 11), (9, 2), (10, 1), (11, 0), (1 << 40, 0), (1 << 40, 1)] {
        reads_range(&directory, "f", offset, length, Err(Kind::OutOfRange)).await?;
    }
    Ok(())
}

pub(super) async fn lengths_are_checked_before_memory_is_taken<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("f", b"0123456789")]).await?;
    for offset in [0, 9, 1 << 63, u64::MAX - 9, u64::MAX] {
        for length in [usize::MAX, usize::MAX / 2 + 1, 1 << 30] {
            reads_range(&directory, "f", offset, length, Err(Kind::OutOfRange)).await?;
        }
    }
    reads(&directory, "f", b"0123456789").await
}

pub(super) async fn what_is_not_there_is_not_found<D: Directory>(open: impl AsyncFn() -> D) -> Outcome {
    let directory = open().await;
    creates(&directory, &[("a/there", b"x")]).await?;
    for path in ["missing", "a/missing", "missing/there", "there"] {
        refuses(directory.read(path).await, Kind::NotFound, Operation::Read, path)?;
        reads_range(&directory, path, 0, 0, Err(Kind::NotFound)).await?;
    }
    Ok(())
}
