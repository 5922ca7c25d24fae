//! What a source is called, and what its parts are called.

use std::fmt;

/// The most bytes of a partition's name.
const NAME_BYTES_MAX: usize = 255;

/// What a source is: its kind, and the name that errors begin with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    kind: &'static str,
    name: String,
}

impl Identity {
    /// Returns the identity of a source of this kind, as `file`, with this name, as its path.
    pub fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// Returns the kind of source.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Returns the name within the kind.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// The name of a part of a source, which is read in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(String);

/// The error of a name with more than 255 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a partition has {bytes} bytes, more than {NAME_BYTES_MAX}")]
pub struct PartitionNameTooLong {
    /// How many it has.
    pub bytes: usize,
}

impl Partition {
    /// Returns the partition with this name. An empty name is that of [`whole`](Self::whole).
    pub fn new(name: impl Into<String>) -> Result<Self, PartitionNameTooLong> {
        let name = name.into();
        if name.len() > NAME_BYTES_MAX { Err(PartitionNameTooLong { bytes: name.len() }) } else { Ok(Self(name)) }
    }

    /// Returns the one partition of a source that is not partitioned. Its name is empty.
    pub const fn whole() -> Self {
        Self(String::new())
    }

    /// Whether it is the one partition of a source.
    pub fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded() {
        assert_eq!(Partition::new("").unwrap(), Partition::whole());
        assert_eq!(Partition::new("x".repeat(255)).unwrap().name().len(), 255);
        let error = Partition::new("x".repeat(256)).unwrap_err();
        assert_eq!(error.to_string(), "the name of a partition has 256 bytes, more than 255");
    }
}
