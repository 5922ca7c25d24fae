//! A plugin of which a few functions are replaced.

use crate::by_hand::{TEMPLATE, component};

/// What the template says of its schema version.
const VERSION_1: &str = r"\06\00\00\00\01\00\00\00";

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
    version: u8,
    migration: String,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            process: OK.to_owned(),
            describe: String::new(),
            results: String::new(),
            more: String::new(),
            version: 1,
            migration: String::new(),
        }
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

    /// Sets the schema version.
    #[must_use]
    pub fn version(self, version: u8) -> Self {
        Self { version, ..self }
    }

    /// Adds the function `migrate`, with this body, which returns the address of a result.
    #[must_use]
    pub fn migration(mut self, body: &str) -> Self {
        let name = "alluvium:checkpoint/migration@0.2.0#migrate";
        self.migration = format!("(func (export \"{name}\") (param i32) (result i32) {body})");
        self
    }

    /// Declares a namespace of timers of event time, `windows`, and adds the function `on-timers` with this body, which
    /// returns the address of a result. Its parameters are `$namespace`, `$at`, `$lens`, `$count`, `$keys` and `$len`.
    #[must_use]
    pub fn timers(self, body: &str) -> Self {
        let declare = "(i32.store (i32.const 224) (i32.const 1)) (i32.store8 (i32.const 360) (i32.const 2))
            (i32.store (i32.const 364) (i32.const 0))";
        let parameters = "(param $namespace i32) (param $at i64) (param $lens i32) (param $count i32)
            (param $keys i32) (param $len i32)";
        let name = "alluvium:checkpoint/timed@0.2.0";
        let (describe, finish) = (format!("{declare} {}", self.describe), format!("(result i32) {OK}"));
        self.describe(&describe).more(&format!(
            "(func (export \"{name}#on-timers\") {parameters} (result i32) {body})
            (func (export \"{name}#finish\") {finish})"
        ))
    }

    /// Adds the function `route` with this body, which returns the address of a result. Its parameters are those of
    /// `process`.
    #[must_use]
    pub fn keyed(self, body: &str) -> Self {
        let name = "alluvium:checkpoint/keyed@0.2.0#route";
        let parameters = "(param i32 i32 i32 i32 i32 i32 i32)";
        self.more(&format!("(func (export \"{name}\") {parameters} (result i32) {body})"))
    }

    /// Returns the core module as text.
    pub fn text(&self) -> String {
        assert!(TEMPLATE.contains(VERSION_1), "the template has changed");
        let filled = TEMPLATE.replace("PROCESS", &self.process);
        let filled = filled.replace(VERSION_1, &format!(r"\06\00\00\00\{:02x}\00\00\00", self.version));
        let filled = filled.replace(";; MIGRATION", &self.migration);
        let filled = filled.replace(";; DESCRIBE", &self.describe).replace(";; RESULTS", &self.results);
        filled.replace(";; MORE", &self.more)
    }

    /// Returns the component.
    pub fn component(&self) -> Vec<u8> {
        component(&self.text())
    }
}
