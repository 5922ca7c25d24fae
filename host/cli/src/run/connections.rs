//! What the inputs and outputs of a plugin are connected to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use alluvium_host::{Description, OutputFormat};

use super::arguments::Run;
use super::operator;
use crate::failure::Failure;

/// What the checkpoints call the first input and the first output. Others have their name behind it.
const INPUT: &str = "input";
const OUTPUT: &str = "output";

/// The column of event times where none is named.
pub(super) const TIME_COLUMN: &str = "time_hour";

/// A source or a sink, for the input or the output of a name or for the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Connection {
    name: Option<String>,
    /// A path or an address.
    pub(super) to: PathBuf,
}

impl Connection {
    /// Whether it is for the input or the output of a name.
    #[cfg(feature = "cluster")]
    pub(super) fn is_named(&self) -> bool {
        self.name.is_some()
    }

    /// Reads `NAME=TO` or `TO`. What stands before the sign is a name if it has only letters, digits, `-` and `_`.
    pub(super) fn read(text: OsString) -> Self {
        let is_part_of_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if let Some((name, to)) = text.to_str().and_then(|text| text.split_once('='))
            && !name.is_empty()
            && name.chars().all(is_part_of_name)
        {
            return Self { name: Some(name.to_owned()), to: to.into() };
        }
        Self { name: None, to: text.into() }
    }
}

/// An input of the plugin with its source.
#[derive(Debug, Clone)]
pub(super) struct ConnectedInput {
    /// What the checkpoints call it.
    pub(super) stored_as: String,
    pub(super) source: PathBuf,
    /// Whether the plugin takes columns, and not bytes.
    pub(super) takes_columns: bool,
    /// The column of event times; empty for none.
    pub(super) time_column: String,
}

/// An output of the plugin with its sink.
#[derive(Debug, Clone)]
pub(super) struct ConnectedOutput {
    pub(super) name: String,
    /// What the checkpoints call it.
    pub(super) stored_as: String,
    pub(super) sink: ConnectedSink,
}

/// Where an output leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConnectedSink {
    StandardOutput,
    /// A path or an address.
    To(PathBuf),
    /// It leads nowhere: its records are counted.
    Nowhere,
}

/// The inputs and outputs of the plugin, in its order.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    pub(super) inputs: Vec<ConnectedInput>,
    pub(super) outputs: Vec<ConnectedOutput>,
}

impl Connections {
    /// Connects what the command line names with what the plugin has.
    pub(super) fn of(run: &Run, description: &Description) -> Result<Self, Failure> {
        let plugin = run.plugin.display().to_string();
        let names: Vec<&str> = description.inputs.iter().map(|input| input.name.as_str()).collect();
        check_filled(&run.input, "--input", "SOURCE")?;
        check_filled(&run.output, "--output", "SINK")?;
        let sources = connect(&run.input, &names, "input", &plugin)?;
        let (of_one, of_all): (Vec<Connection>, Vec<Connection>) =
            run.time_column.iter().cloned().partition(|column| column.name.is_some());
        let columns = connect(&of_one, &names, "input", &plugin)?;
        let mut inputs = Vec::new();
        for (number, (input, source)) in description.inputs.iter().zip(sources).enumerate() {
            let source = source.ok_or_else(|| {
                Failure::at(&plugin, format!("its input {} is not connected", input.name))
                    .hint(format!("give each input a source: --input {}=SOURCE", input.name))
            })?;
            let column = columns[number].or_else(|| of_all.last().map(|column| column.to.as_path()));
            let column = column.map_or_else(|| TIME_COLUMN.to_owned(), |column| column.to_string_lossy().into_owned());
            inputs.push(ConnectedInput {
                stored_as: stored_as(INPUT, number, &input.name),
                source: source.to_owned(),
                takes_columns: operator::takes_columns(description, number),
                time_column: column,
            });
        }
        Ok(Self { inputs, outputs: outputs(run, description, &plugin)? })
    }

    /// Where the first output leads, if that is no standard output.
    pub(super) fn first_output(&self) -> Option<&Path> {
        match &self.outputs.first()?.sink {
            ConnectedSink::To(path) => Some(path),
            ConnectedSink::StandardOutput | ConnectedSink::Nowhere => None,
        }
    }
}

fn outputs(run: &Run, description: &Description, plugin: &str) -> Result<Vec<ConnectedOutput>, Failure> {
    if let Some(output) = description.outputs.iter().find(|output| output.format != OutputFormat::Lines) {
        let what = format!("its output {} gives records as bytes, not lines", output.name);
        return Err(Failure::at(plugin, what).hint("`alluvium run` takes lines; embed the host for others"));
    }
    // The results of a plugin without outputs have a place, too.
    let names: Vec<&str> = match description.outputs.as_slice() {
        [] => vec![OUTPUT],
        outputs => outputs.iter().map(|output| output.name.as_str()).collect(),
    };
    let sinks = connect(&run.output, &names, "output", plugin)?;
    let mut outputs = Vec::new();
    for (number, (name, sink)) in names.into_iter().zip(sinks).enumerate() {
        let sink = match sink {
            Some(path) if path == Path::new("-") => ConnectedSink::StandardOutput,
            Some(path) => ConnectedSink::To(path.to_owned()),
            None if number == 0 => ConnectedSink::StandardOutput,
            None if run.strict => {
                let what = format!("its output {name} leads nowhere");
                return Err(Failure::at(plugin, what).hint(format!("give it a sink: --output {name}=FILE")));
            }
            None => ConnectedSink::Nowhere,
        };
        outputs.push(ConnectedOutput { name: name.to_owned(), stored_as: stored_as(OUTPUT, number, name), sink });
    }
    Ok(outputs)
}

/// What the checkpoints call an input or an output. The first has one name for all plugins.
fn stored_as(kind: &str, number: usize, name: &str) -> String {
    if number == 0 { kind.to_owned() } else { format!("{kind}.{name}") }
}

/// Refuses an option that names no source or no sink.
pub(super) fn check_filled(given: &[Connection], option: &str, what: &str) -> Result<(), Failure> {
    match given.iter().find(|one| one.to.as_os_str().is_empty()) {
        Some(Connection { name, .. }) => {
            let given = name.as_ref().map_or_else(String::new, |name| format!("{name}="));
            Err(Failure::at(format!("{option} {given}"), "it names nothing")
                .hint(format!("write {option} {given}{what}")))
        }
        None => Ok(()),
    }
}

/// Finds what each of the names is connected to. Without a name, it is the first one.
pub(super) fn connect<'a>(
    given: &'a [Connection],
    names: &[&str],
    kind: &str,
    plugin: &str,
) -> Result<Vec<Option<&'a Path>>, Failure> {
    let mut connected: Vec<Option<&Path>> = vec![None; names.len()];
    for Connection { name, to } in given {
        let number = match name {
            None => 0,
            Some(name) => names.iter().position(|known| known == name).ok_or_else(|| {
                let known = names.join(", ");
                Failure::at(plugin, format!("it has no {kind} {name}; it has {known}"))
                    .hint(format!("write ./{name}=… for a file of that name"))
            })?,
        };
        if connected[number].replace(to).is_some() {
            return Err(Failure::at(plugin, format!("its {kind} {} is connected twice", names[number]))
                .hint("name another one, as NAME=…"));
        }
    }
    Ok(connected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, String) {
        let Connection { name, to } = Connection::read(text.into());
        (name, to.to_string_lossy().into_owned())
    }

    #[test]
    fn a_name_is_told_from_a_path_and_an_address() {
        let named = |name: &str, to: &str| (Some(name.to_owned()), to.to_owned());
        assert_eq!(read("flights=a.csv"), named("flights", "a.csv"));
        assert_eq!(read("late-ones=-"), named("late-ones", "-"));
        for plain in ["a.csv", "./a=b", "nats://h/S?subject=x", "=a", "a.b=c", "-"] {
            assert_eq!(read(plain), (None, plain.to_owned()));
        }
    }

    #[test]
    fn each_is_connected_once_and_unknown_ones_are_named() {
        let given = |texts: &[&str]| texts.iter().map(|text| Connection::read(text.into())).collect::<Vec<_>>();
        let names = ["flights", "planes"];
        let connected = |texts: &[&str]| {
            let given = given(texts);
            let found = connect(&given, &names, "input", "plugin.wasm");
            found.map(|all| all.into_iter().map(|it| it.map(Path::to_path_buf)).collect::<Vec<_>>())
        };
        assert_eq!(connected(&["planes=p", "f"]).unwrap(), [Some("f".into()), Some("p".into())]);
        assert_eq!(connected(&["f"]).unwrap(), [Some("f".into()), None]);
        let error = connected(&["plane=p"]).unwrap_err().to_string();
        assert!(error.contains("it has no input plane; it has flights, planes"), "{error}");
        let error = connected(&["a", "flights=b"]).unwrap_err().to_string();
        assert!(error.contains("its input flights is connected twice"), "{error}");
    }
}
