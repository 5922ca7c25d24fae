//! Whose state an engine holds: its checkpoints carry the plugin's identity.

use crate::engine::Engine;
use crate::error::RuntimeError;
use crate::identity::Identity;

/// The annotations of a checkpoint that hold it.
const NAME: &str = "plugin.name";
const SCHEMA_VERSION: &str = "plugin.schema-version";

impl Identity {
    /// Whose state the engine holds; nothing where no plugin has been named yet.
    pub(crate) fn of_state(engine: &mut dyn Engine) -> Result<Option<Self>, RuntimeError> {
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
    pub(crate) fn name_state(&self, engine: &mut dyn Engine) -> Result<(), RuntimeError> {
        engine.set_annotation(NAME, &self.name)?;
        engine.set_annotation(SCHEMA_VERSION, &self.schema_version.to_string())
    }
}
