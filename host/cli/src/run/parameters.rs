//! The parameters of the plugin, as the command line sets them.

use alluvium_host::{Plugin, RuntimeError};

use crate::failure::Failure;

/// What the checkpoints call a parameter: this, and its name.
const STORED_AS: &str = "plugin.parameter.";

/// Refuses a parameter that is set twice.
pub(super) fn check(given: &[(String, String)]) -> Result<(), Failure> {
    let is_twice = |at: usize| given[..at].iter().any(|(name, _)| *name == given[at].0);
    match (0..given.len()).find(|at| is_twice(*at)) {
        Some(at) => Err(Failure::at("--parameter", format!("sets {} twice", given[at].0)).hint("set it once")),
        None => Ok(()),
    }
}

/// Returns the parameters whose values are others than in the recovered checkpoint: their names, and the values before
/// and now. One that is left out has its default again.
pub(super) fn changed(plugin: &mut Plugin) -> Result<Vec<(String, String, String)>, RuntimeError> {
    let Some(id) = plugin.recovered().map(|recovered| recovered.checkpoint_id) else { return Ok(Vec::new()) };
    let names: Vec<String> = plugin.description().parameters.iter().map(|parameter| parameter.name.clone()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let checkpoints = plugin.with_engine(|engine| engine.list_checkpoints())?;
    let stored = checkpoints.into_iter().find(|checkpoint| checkpoint.id == id);
    let stored = stored.map(|checkpoint| checkpoint.annotations).unwrap_or_default();
    let mut changed = Vec::new();
    for name in names {
        let key = format!("{STORED_AS}{name}");
        let before = stored.iter().find(|annotation| annotation.name == key).map(|annotation| annotation.value.clone());
        if let (Some(before), Some(now)) = (before, plugin.annotation(&key)?)
            && before != now
        {
            changed.push((name, before, now));
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_set_once() {
        let given = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect::<Vec<_>>();
        assert!(check(&given(&["a", "b"])).is_ok());
        let refused = check(&given(&["a", "b", "a"])).expect_err("it is set twice").to_string();
        assert!(refused.contains("sets a twice"), "{refused}");
    }
}
