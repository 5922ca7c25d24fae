//! What a plugin says of itself: its name and version, inputs, outputs, namespaces and parameters.

use std::collections::BTreeSet;

use crate::bindings::engine::alluvium::checkpoint::types::{NamespaceDeclaration, NamespaceKind, TimeDomain};
use crate::bindings::plugin::exports::alluvium::checkpoint::operator;
use crate::identity::Identity;
use crate::text::printable;

pub use operator::{Input, InputFormat, Output, OutputFormat, Parameter};

/// Enough for any name, and little enough for every checkpoint.
const NAME_BYTES_MAX: usize = 128;
/// How many inputs, outputs, namespaces or parameters a plugin may have, each.
const PARTS_MAX: usize = 256;
/// A text about a parameter, and a default, have at most so many bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// What a plugin says of itself.
#[derive(Debug, Clone)]
pub struct Description {
    /// Its name, and the version of what it keeps in its state.
    pub identity: Identity,
    /// Its inputs; [`Plugin::feed`](crate::Plugin::feed) takes the index of one.
    pub inputs: Vec<Input>,
    /// Its outputs, in the order of [`Plugin::take_emitted`](crate::Plugin::take_emitted).
    pub outputs: Vec<Output>,
    /// The namespaces of its state, besides namespace 0.
    pub namespaces: Vec<NamespaceDeclaration>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

impl Description {
    /// Whether entries of a namespace expire, or timers are due, by the time of processing. The host sets that time
    /// then, as [`set_processing_time`](crate::Engine::set_processing_time) says.
    pub fn needs_processing_time(&self) -> bool {
        let by_processing = |declared: &NamespaceDeclaration| {
            declared.expires.as_ref().is_some_and(|expiry| expiry.domain == TimeDomain::Processing)
                || matches!(declared.kind, NamespaceKind::Timers(TimeDomain::Processing))
        };
        self.namespaces.iter().any(by_processing)
    }

    /// Whether a namespace holds timers.
    pub fn has_timers(&self) -> bool {
        self.namespaces.iter().any(|declared| matches!(declared.kind, NamespaceKind::Timers(_)))
    }

    /// Says the same again, for another process to check.
    #[cfg(target_os = "linux")]
    pub(crate) fn said(&self) -> operator::Description {
        let Self { identity, inputs, outputs, namespaces, parameters } = self.clone();
        let Identity { name, schema_version } = identity;
        operator::Description { name, schema_version, inputs, outputs, namespaces, parameters }
    }

    /// Checks what a plugin says of itself.
    pub(crate) fn checked(described: operator::Description) -> Result<Self, String> {
        let operator::Description { name, schema_version, inputs, outputs, namespaces, parameters } = described;
        if !is_name(&name) {
            return Err(format!("it calls itself {}", no_name(&name)));
        }
        if inputs.is_empty() {
            return Err("it has no input".to_owned());
        }
        names("input", inputs.iter().map(|input| &input.name))?;
        names("output", outputs.iter().map(|output| &output.name))?;
        names("namespace", namespaces.iter().map(|namespace| &namespace.name))?;
        names("parameter", parameters.iter().map(|parameter| &parameter.name))?;
        for parameter in &parameters {
            let bytes = parameter.doc.len().max(parameter.default.as_ref().map_or(0, String::len));
            if bytes > TEXT_BYTES_MAX {
                let name = printable(&parameter.name);
                return Err(format!("its parameter {name} has a text of {bytes} bytes: at most {TEXT_BYTES_MAX} fit"));
            }
        }
        Ok(Self { identity: Identity { name, schema_version }, inputs, outputs, namespaces, parameters })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control)
}

/// Says what is wrong with a name.
fn no_name(name: &str) -> String {
    let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
    format!("{shown:?}: a name has 1 to {NAME_BYTES_MAX} bytes and no control characters")
}

/// Checks the names of the parts of one kind.
fn names<'a>(kind: &str, all: impl ExactSizeIterator<Item = &'a String>) -> Result<(), String> {
    if all.len() > PARTS_MAX {
        return Err(format!("it has {} {kind}s: at most {PARTS_MAX} are allowed", all.len()));
    }
    let mut seen = BTreeSet::new();
    for name in all {
        if !is_name(name) {
            return Err(format!("it has the {kind} {}", no_name(name)));
        }
        if !seen.insert(name) {
            return Err(format!("it has more than one {kind} {}", printable(name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> operator::Description {
        operator::Description {
            name: "delays".to_owned(),
            schema_version: 1,
            inputs: vec![input("flights"), input("carriers")],
            outputs: vec![],
            namespaces: vec![],
            parameters: vec![],
        }
    }

    fn input(name: &str) -> Input {
        Input { name: name.to_owned(), format: InputFormat::Columns }
    }

    #[test]
    fn names_are_there_and_told_apart() {
        let check = |change: &dyn Fn(&mut operator::Description), expected: Option<&str>| {
            let mut description = described();
            change(&mut description);
            let error = Description::checked(description).err();
            match (error, expected) {
                (None, None) => {}
                (Some(error), Some(expected)) => assert!(error.contains(expected), "{error}"),
                (error, expected) => panic!("{error:?} where {expected:?} was expected"),
            }
        };
        check(&|_| {}, None);
        check(&|it| it.name.clear(), Some("it calls itself \"\": a name has 1 to 128 bytes"));
        check(&|it| it.name = "de\x1bays".to_owned(), Some("it calls itself \"de\\u{1b}ays\""));
        check(&|it| it.inputs.clear(), Some("no input"));
        check(&|it| it.inputs.push(input("flights")), Some("more than one input flights"));
        check(&|it| it.inputs.push(input("")), Some("the input \"\""));
        let many = |it: &mut operator::Description| it.inputs = (0..300).map(|n| input(&n.to_string())).collect();
        check(&many, Some("300 inputs"));
    }
}
