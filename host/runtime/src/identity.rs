//! Whose state it is: each checkpoint names the plugin that made it, and the version of what that
//! plugin keeps.

use std::fmt;

use super::bindings::plugin::exports::alluvium::checkpoint::operator::Description;
use super::{Engine, RuntimeError};

/// The annotations of a checkpoint that hold it.
const NAME: &str = "plugin.name";
const SCHEMA_VERSION: &str = "plugin.schema-version";

/// Enough for any name, and little enough for every checkpoint.
const NAME_BYTES_MAX: usize = 128;

/// A plugin's name, and the version of what it keeps in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What it is called, whatever its version.
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
    pub(super) fn described(description: Description) -> Result<Self, String> {
        let Description { name, schema_version } = description;
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
            return Err(format!(
                "it calls itself {shown:?}: a name has 1 to {NAME_BYTES_MAX} bytes and no control characters"
            ));
        }
        Ok(Self { name, schema_version })
    }

    /// Whose state the engine holds; nothing where no plugin has been named yet.
    pub(super) fn of_state(engine: &mut Engine) -> Result<Option<Self>, RuntimeError> {
        let Some(name) = engine.annotation(NAME)? else { return Ok(None) };
        let version = engine.annotation(SCHEMA_VERSION)?;
        match version.as_deref().map(str::parse) {
            Some(Ok(schema_version)) => Ok(Some(Self { name, schema_version })),
            _ => Err(RuntimeError::Host(format!(
                "the state of the plugin {name:?} has {version:?} for its schema version, which is no number: restore \
                 an older checkpoint"
            ))),
        }
    }

    /// Names the state that the checkpoints to come hold.
    pub(super) fn name_state(&self, engine: &mut Engine) -> Result<(), RuntimeError> {
        engine.set_annotation(NAME, &self.name)?;
        engine.set_annotation(SCHEMA_VERSION, &self.schema_version.to_string())
    }
}
