//! Defects planted on purpose, one at a time, to show that the tests are able to fail.
//!
//! Only the feature `planted` builds them in, which nothing but the torture tests asks for; without
//! it [`is`] is constantly false and every plant is compiled away.

/// A defect.
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
    /// Memory is taken for as many bytes as were asked for, before anybody looks how many there are.
    TrustLength,
    /// A failed creation counts as done.
    SwallowError,
    /// Files go before the metadata that names them.
    DeleteEarly,
    /// A newer writer's checkpoint is not looked for.
    SkipFence,
    /// A log that was torn is cut off wherever it is.
    AcceptTornTail,
    /// State that the log brought up to date comes with the offsets and the epoch of its checkpoint.
    MixEpochs,
}

/// All ten.
pub const ALL: [Defect; 10] = [
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
];

#[cfg(feature = "seeded-defects")]
thread_local! {
    /// Of this thread alone: other tests go on undisturbed.
    static SEEDED: std::cell::Cell<Option<Defect>> = const { std::cell::Cell::new(None) };
}

/// Plants a defect in everything that this thread does from now on, or removes it.
#[cfg(feature = "seeded-defects")]
pub fn seed(defect: Option<Defect>) {
    SEEDED.set(defect);
}

/// Whether this defect is planted.
#[cfg(feature = "seeded-defects")]
pub fn is(defect: Defect) -> bool {
    SEEDED.get() == Some(defect)
}

/// Whether this defect is planted: never in this build.
#[cfg(not(feature = "seeded-defects"))]
#[inline]
pub const fn is(_defect: Defect) -> bool {
    false
}
