//! Whose state it is: each checkpoint names the plugin that made it, and the version of what that
//! plugin keeps.

use std::fmt;

/// A plugin's name, and the version of what it keeps in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name, which is the same for all versions.
    pub name: String,
    /// The version of its keys and values.
    pub schema_version: u32,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with schema version {}", self.name, self.schema_version)
    }
}
