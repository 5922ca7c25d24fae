//! Defects that are seeded on purpose, one at a time, to show that the tests can fail.
//!
//! Only the feature `seeded-defects` builds them in, and only the torture tests enable it. Without it,
//! [`is`] is constantly false and every defect is compiled away.

/// A defect that can be seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A new file gets its name before its bytes are synced.
    SkipFileSync,
    /// Names are not synced.
    SkipDirectorySync,
    /// The metadata is created before the files that it names.
    PublishFirst,
    /// The metadata's checksum is not compared.
    IgnoreChecksum,
    /// Memory is allocated for the requested length before the length of the file is checked.
    TrustLength,
    /// A failed creation counts as successful.
    SwallowError,
    /// Files are deleted before the metadata that names them.
    DeleteEarly,
    /// The writer does not check for a newer writer's checkpoint.
    SkipFence,
    /// A torn WAL file is dropped even if it is not the last one.
    AcceptTornTail,
    /// Recovery replays the WAL into the state, but keeps the offsets and the epoch of the checkpoint.
    MixEpochs,
    /// An id that only the names of WAL files mention is given again.
    ReuseId,
    /// The changes of a prepared checkpoint are lost if it is dropped.
    LoseDropped,
}

/// All defects.
pub const ALL: [Defect; 12] = [
    Defect::SkipFileSync,
    Defect::SkipDirectorySync,
    Defect::PublishFirst,
    Defect::IgnoreChecksum,
    Defect::TrustLength,
    Defect::SwallowError,
    Defect::DeleteEarly,
    Defect::SkipFence,
    Defect::AcceptTornTail,
    Defect::MixEpochs,
    Defect::ReuseId,
    Defect::LoseDropped,
];

#[cfg(feature = "seeded-defects")]
thread_local! {
    /// The defect that is seeded in this thread. Other threads, and so other tests, are not affected.
    static SEEDED: std::cell::Cell<Option<Defect>> = const { std::cell::Cell::new(None) };
}

/// Seeds a defect in everything that this thread does from now on, or removes it.
#[cfg(feature = "seeded-defects")]
pub fn seed(defect: Option<Defect>) {
    SEEDED.set(defect);
}

/// Returns whether this defect is seeded in this thread.
#[cfg(feature = "seeded-defects")]
pub fn is(defect: Defect) -> bool {
    SEEDED.get() == Some(defect)
}

/// Returns whether this defect is seeded. In this build it never is.
#[cfg(not(feature = "seeded-defects"))]
#[inline]
pub const fn is(_defect: Defect) -> bool {
    false
}
