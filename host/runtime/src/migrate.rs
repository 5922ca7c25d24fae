//! From the state of one version of a plugin to that of another: from one checkpoint to the next.
//!
//! The state in memory is rewritten by the plugin's own migration, gets the new name, and becomes durable
//! with one checkpoint. If anything fails on the way, the engine is closed without one: the old
//! checkpoint is the newest still, and nothing has changed.

use crate::engine::{Engine, SharedEngine, lock};
use crate::error::RuntimeError;
use crate::identity::Identity;
use crate::operator::{MIGRATION, Operator};

/// A migration that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The plugin.
    pub plugin: String,
    /// The schema version that there was.
    pub from: u32,
    /// The schema version that there is.
    pub to: u32,
    /// The checkpoint with the old state.
    pub before: u64,
    /// The checkpoint with the new one.
    pub checkpoint: u64,
}

/// Has the operator rewrite the engine's state, and takes the checkpoint that makes it count. Nothing
/// is done, and none given, where there is no state, or none of another version.
pub(crate) fn migrate(operator: &mut dyn Operator, engine: &SharedEngine) -> Result<Option<Migrated>, RuntimeError> {
    let to = operator.identity().clone();
    let Some((before, from)) = of_what(&mut *lock(engine), &to)? else { return Ok(None) };
    operator.accept()?;
    operator.declare_namespaces()?;
    operator.migrate(from.schema_version)?;
    if operator.take_emitted().iter().any(|emitted| !emitted.is_empty()) {
        let text = "it emitted something: only a batch may".to_owned();
        return Err(RuntimeError::Refused { what: MIGRATION, record: None, text });
    }
    let mut engine = lock(engine);
    to.name_state(&mut *engine)?;
    let epoch = engine.epoch()?.saturating_add(1);
    engine.set_epoch(epoch)?;
    let checkpoint = engine.checkpoint(0)?.info.id;
    Ok(Some(Migrated { plugin: to.name, from: from.schema_version, to: to.schema_version, before, checkpoint }))
}

/// The checkpoint that the migration starts from, and whose state it holds.
fn of_what(engine: &mut dyn Engine, to: &Identity) -> Result<Option<(u64, Identity)>, RuntimeError> {
    let newest = engine.list_checkpoints()?.first().map(|newest| newest.id);
    let (Some(newest), Some(from)) = (newest, Identity::of_state(engine)?) else { return Ok(None) };
    if from.name != to.name {
        return Err(RuntimeError::OtherPlugin { state: from, plugin: to.clone(), migrates: false });
    }
    if from == *to {
        return Ok(None);
    }
    // What only a log holds becomes a checkpoint first, so that there is one of each version.
    let has_log = engine.recovered()?.is_some_and(|it| it.checkpoint_id == newest && it.wal_entries > 0);
    let before = if has_log { engine.checkpoint(0)?.info.id } else { newest };
    Ok(Some((before, from)))
}
