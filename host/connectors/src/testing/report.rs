//! The result of a suite.

use std::fmt::{Debug, Display, Write};

/// The result of one check: the text says what it found and what it expected.
pub(super) type Outcome = Result<(), String>;

/// The result of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an unread report tests nothing: call `assert`"]
pub struct Report {
    /// The names of the checks that passed.
    pub passed: Vec<&'static str>,
    /// The checks that failed. Each comes with what it found and what it expected.
    pub failed: Vec<(&'static str, String)>,
    /// The checks that were left out, because the fixture says that they do not apply.
    pub left_out: Vec<&'static str>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { passed: Vec::new(), failed: Vec::new(), left_out: Vec::new() }
    }

    /// Returns how many checks passed.
    ///
    /// # Panics
    ///
    /// Panics if any check failed, naming each of them, and if no check ran.
    pub fn assert(&self) -> usize {
        let mut failures = String::new();
        for (check, what) in &self.failed {
            let _ = write!(failures, "\n{check}: {what}");
        }
        let count = self.passed.len() + self.failed.len();
        assert!(failures.is_empty(), "{} of {count} checks failed:{failures}", self.failed.len());
        assert!(count > 0, "no check ran");
        count
    }

    pub(super) fn note(&mut self, check: &'static str, outcome: Outcome) {
        match outcome {
            Ok(()) => self.passed.push(check),
            Err(what) => self.failed.push((check, what)),
        }
    }
}

/// Compares what a check found with what it expected.
#[allow(clippy::needless_pass_by_value, reason = "most arguments are literals or fresh values")]
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: found {}, expected {}", short(&found), short(&expected)))
    }
}

/// A value in a line that can be read, also if records are long.
fn short(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Says what failed, for an error that no check expects.
pub(super) fn during<E: Display>(what: &str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}

/// Makes the list of checks and the function that runs them from one list, so that no check is in only
/// one of them. A check that is in neither is dead code, which the compiler reports.
macro_rules! checks {
    ($fixture:ident, $name:ident: $($(#[$condition:ident])? $module:ident { $($check:ident,)+ })+) => {
        pub(super) fn $name(fixture: &mut dyn $fixture) -> $crate::testing::Report {
            let mut report = $crate::testing::Report::new();
            $(
                let applies = true $(&& $condition(fixture))?;
                $(
                    if applies {
                        report.note(stringify!($check), $module::$check(fixture, stringify!($check)));
                    } else {
                        report.left_out.push(stringify!($check));
                    }
                )+
            )+
            report
        }
    };
}
pub(super) use checks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "no check ran")]
    fn a_report_without_checks_is_a_failure() {
        Report::new().assert();
    }

    #[test]
    #[should_panic(expected = "1 of 2 checks failed:\nb: the number: found 1, expected 2")]
    fn a_failed_check_is_named() {
        let mut report = Report::new();
        report.note("a", Ok(()));
        report.note("b", same("the number", 1, 2));
        report.assert();
    }
}
