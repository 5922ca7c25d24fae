//! What `alluvium run` can connect to a plugin: one input, and one output of lines.

use std::path::Path;

use alluvium_host::{Description, OutputFormat};

use crate::failure::Failure;

/// Checks that the plugin has no other inputs and outputs.
pub(super) fn check(plugin: &Path, description: &Description) -> Result<(), Failure> {
    let Description { inputs, outputs, .. } = description;
    let refused = |what: String| {
        Err(Failure::at(plugin.display(), what)
            .hint("`alluvium run` connects one input and one output of lines; embed the host for others"))
    };
    if inputs.len() > 1 {
        let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
        return refused(format!("has {} inputs: {}", inputs.len(), names.join(", ")));
    }
    if outputs.len() > 1 {
        let names: Vec<_> = outputs.iter().map(|output| output.name.as_str()).collect();
        return refused(format!("has {} outputs: {}", outputs.len(), names.join(", ")));
    }
    if let Some(output) = outputs.iter().find(|output| output.format != OutputFormat::Lines) {
        return refused(format!("its output {} gives records as bytes, not lines", output.name));
    }
    Ok(())
}
