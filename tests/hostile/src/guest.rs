//! A plugin of which a few functions are replaced.

use crate::by_hand::{TEMPLATE, component};

/// An address whose bytes are an empty result, and ok.
pub const OK: &str = "(i32.const 16)";

/// A plugin called `delays`, of schema version 1, that does nothing where it is not told to.
///
/// The code that is given to it is in the text format. It finds there `$put`, `$delete`, `$iterate`, `$emit` and
/// what else `plugin.wat` imports.
#[derive(Debug, Clone)]
pub struct Guest {
    process: String,
    describe: String,
    results: String,
    more: String,
}

impl Default for Guest {
    fn default() -> Self {
        Self { process: OK.to_owned(), describe: String::new(), results: String::new(), more: String::new() }
    }
}

impl Guest {
    /// Begins with a plugin that does nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the body of `process`, which returns the address of a result.
    #[must_use]
    pub fn process(mut self, body: &str) -> Self {
        body.clone_into(&mut self.process);
        self
    }

    /// Sets what `describe` does before it answers.
    #[must_use]
    pub fn describe(mut self, statements: &str) -> Self {
        statements.clone_into(&mut self.describe);
        self
    }

    /// Sets what `results` does before it answers that there are none. Its parameters are `$start` and `$limit`.
    #[must_use]
    pub fn results(mut self, statements: &str) -> Self {
        statements.clone_into(&mut self.results);
        self
    }

    /// Adds fields to the module: functions, globals, a start function.
    #[must_use]
    pub fn more(mut self, fields: &str) -> Self {
        self.more.push_str(fields);
        self
    }

    /// Returns the core module as text.
    pub fn text(&self) -> String {
        let filled = TEMPLATE.replace("PROCESS", &self.process);
        let filled = filled.replace(";; DESCRIBE", &self.describe).replace(";; RESULTS", &self.results);
        filled.replace(";; MORE", &self.more)
    }

    /// Returns the component.
    pub fn component(&self) -> Vec<u8> {
        component(&self.text())
    }
}
