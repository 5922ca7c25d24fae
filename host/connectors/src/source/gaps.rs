//! What a stream that deletes old records may have lost.

/// What follows when records after the position are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// An error says how many are lost.
    Refuse,
    /// The next record that is there follows.
    Skip,
}

/// The words for it in an address.
pub(super) const WORDS: [(&str, Gaps); 2] = [("refuse", Gaps::Refuse), ("skip", Gaps::Skip)];
