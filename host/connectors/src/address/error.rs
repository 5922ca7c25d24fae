//! What can be wrong with an address.

/// The error of an address of a source or a sink. Its text names the address without its secrets, and the
/// part of it that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {part}: {what}")]
pub struct AddressError {
    address: String,
    part: String,
    what: String,
}

impl AddressError {
    pub(crate) fn new(address: impl Into<String>, part: impl Into<String>, what: impl Into<String>) -> Self {
        Self { address: address.into(), part: part.into(), what: what.into() }
    }

    /// Returns the part that is wrong: `scheme`, `host`, `port`, `path`, or the name of an option.
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Returns what is wrong with it.
    pub fn what(&self) -> &str {
        &self.what
    }
}
