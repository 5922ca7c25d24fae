//! The parameters of a plugin: what its user set, what holds by default, and what held before.
//!
//! Each checkpoint holds the values that its state was computed with, as annotations.

use std::collections::BTreeMap;

use crate::bindings::plugin::exports::alluvium::checkpoint::operator::{Context, Setting};
use crate::description::Description;
use crate::engine::Engine;
use crate::error::RuntimeError;

/// The annotations that hold values begin with this.
const PREFIX: &str = "plugin.parameter.";
/// Each checkpoint holds all values, so they are short.
const VALUE_BYTES_MAX: usize = 4096;

/// A parameter whose value is another than the one that the state was computed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedParameter {
    /// Its name.
    pub name: String,
    /// The value that the state comes with.
    pub before: String,
    /// The value that holds from now on.
    pub now: String,
}

/// Returns the parameters that have another value than before.
pub(crate) fn changed(context: &Context) -> Vec<ChangedParameter> {
    let changed = context.settings.iter().filter_map(|setting| {
        let before = setting.previous.clone().filter(|before| *before != setting.value)?;
        Some(ChangedParameter { name: setting.name.clone(), before, now: setting.value.clone() })
    });
    changed.collect()
}

/// Returns a value for each parameter, with the one that the state comes with.
pub(crate) fn context(
    description: &Description,
    given: &BTreeMap<String, String>,
    engine: &mut dyn Engine,
) -> Result<Context, RuntimeError> {
    let wrong = |what: String| RuntimeError::Parameter(what);
    let name = &description.identity.name;
    if let Some(unknown) = given.keys().find(|given| !description.parameters.iter().any(|known| known.name == **given))
    {
        let known: Vec<_> = description.parameters.iter().map(|known| known.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(wrong(format!("the plugin {name:?} has no parameter {unknown:?}; it has {known}")));
    }
    let mut settings = Vec::new();
    for parameter in &description.parameters {
        let value = given.get(&parameter.name).or(parameter.default.as_ref()).ok_or_else(|| {
            wrong(format!("the parameter {:?} of {name:?} must be set: {}", parameter.name, parameter.doc))
        })?;
        if value.len() > VALUE_BYTES_MAX {
            let bytes = value.len();
            let text = format!("the parameter {:?} has {bytes} bytes, at most {VALUE_BYTES_MAX} fit", parameter.name);
            return Err(wrong(text));
        }
        let previous = engine.annotation(&annotation(&parameter.name))?;
        settings.push(Setting { name: parameter.name.clone(), value: value.clone(), previous });
    }
    Ok(Context { settings })
}

/// Puts the values into the checkpoints to come.
pub(crate) fn keep(context: &Context, engine: &mut dyn Engine) -> Result<(), RuntimeError> {
    let changed = context.settings.iter().filter(|setting| setting.previous.as_ref() != Some(&setting.value));
    changed.into_iter().try_for_each(|setting| engine.set_annotation(&annotation(&setting.name), &setting.value))
}

fn annotation(parameter: &str) -> String {
    format!("{PREFIX}{parameter}")
}
