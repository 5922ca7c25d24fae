//! Whose state it is: each checkpoint names the plugin that made it, and the version of what that
//! plugin keeps.

use std::fmt;

use crate::bindings::plugin::exports::alluvium::checkpoint::operator::Description;

/// Enough for any name, and little enough for every checkpoint.
const NAME_BYTES_MAX: usize = 128;

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

impl Identity {
    /// What a plugin says of itself, if it is a name.
    pub(crate) fn described(description: Description) -> Result<Self, String> {
        let Description { name, schema_version } = description;
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
            return Err(format!(
                "it calls itself {shown:?}: a name has 1 to {NAME_BYTES_MAX} bytes and no control characters"
            ));
        }
        Ok(Self { name, schema_version })
    }
}
