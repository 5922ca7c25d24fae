//! What an operator says of itself.

/// What the records of an input or an output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Of an input: fields, which a header names. Of an output: lines of text.
    Lines,
    /// Bytes, as the source has them or as the sink takes them.
    Records,
}

/// An input or an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The name, by which the host connects a source or a sink.
    pub name: String,
    /// What its records are.
    pub format: Format,
}

/// A clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// The time in the records, which the watermark follows.
    Event,
    /// The time of the machine.
    Processing,
}

/// How the keys of a namespace are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By their hash.
    Hashed,
    /// In the order of their bytes, of which so many at the start say who owns a key.
    Ordered(u32),
    /// As timers.
    Timers(Domain),
}

/// How values are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// The sum of two numbers of 64 bits.
    Add,
    /// The lesser value in the order of the bytes.
    Min,
    /// The greater value in the order of the bytes.
    Max,
    /// One value behind the other.
    Append,
    /// The union of two sets.
    SetUnion,
}

/// A part of the state with keys of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The name, by which checkpoints know it.
    pub name: String,
    /// How its keys are kept.
    pub kind: Kind,
    /// By which clock, and how many milliseconds after its last change, an entry goes away by itself.
    pub expires: Option<(Domain, u64)>,
    /// How values are merged.
    pub merge: Option<Merge>,
}

impl Namespace {
    /// Returns a namespace whose keys are kept like this. Its entries stay until they are deleted.
    pub fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, expires: None, merge: None }
    }
}

/// What the user of an operator can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The value if the user sets none. None: the user must set one.
    pub default: Option<String>,
    /// What it does, in one sentence.
    pub doc: String,
}

/// What an operator says of itself: its name, its inputs and outputs, its namespaces and its parameters.
///
/// ```
/// use alluvium_plugin::{Description, Kind, Namespace};
///
/// let description = Description::new("sessions").input("clicks").output("sessions");
/// let description = description.namespace(Namespace::new("open", Kind::Hashed));
/// assert_eq!((description.schema_version, description.inputs[0].name.as_str()), (1, "clicks"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The name, which all versions of the operator have. The state belongs to it.
    pub name: String,
    /// The version of what the operator keeps in its state.
    pub schema_version: u32,
    /// The inputs, of which there is at least one.
    pub inputs: Vec<Port>,
    /// The outputs.
    pub outputs: Vec<Port>,
    /// The namespaces.
    pub namespaces: Vec<Namespace>,
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

impl Description {
    /// Begins with a name alone, and schema version 1.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            schema_version: 1,
            inputs: vec![],
            outputs: vec![],
            namespaces: vec![],
            parameters: vec![],
        }
    }

    /// Sets the version of what the operator keeps in its state. A state of another version is brought up to date by
    /// [`Operator::migrate`](crate::Operator::migrate).
    #[must_use]
    pub fn schema_version(self, schema_version: u32) -> Self {
        Self { schema_version, ..self }
    }

    /// Adds an input of columns.
    #[must_use]
    pub fn input(mut self, name: &str) -> Self {
        self.inputs.push(Port { name: name.to_owned(), format: Format::Lines });
        self
    }

    /// Adds an input of records as bytes, which [`Batch::records`](crate::Batch::records) has.
    #[must_use]
    pub fn input_of_records(mut self, name: &str) -> Self {
        self.inputs.push(Port { name: name.to_owned(), format: Format::Records });
        self
    }

    /// Adds an output of lines.
    #[must_use]
    pub fn output(mut self, name: &str) -> Self {
        self.outputs.push(Port { name: name.to_owned(), format: Format::Lines });
        self
    }

    /// Adds an output of records as bytes.
    #[must_use]
    pub fn output_of_records(mut self, name: &str) -> Self {
        self.outputs.push(Port { name: name.to_owned(), format: Format::Records });
        self
    }

    /// Adds a namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespaces.push(namespace);
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, name: &str, default: Option<&str>, doc: &str) -> Self {
        let default = default.map(str::to_owned);
        self.parameters.push(Parameter { name: name.to_owned(), default, doc: doc.to_owned() });
        self
    }
}
