//! What the machine and its user provide: privileges, programs, and numbers in variables.

use std::process::Command;

/// Returns the number in an environment variable, if it is set.
pub fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value}: a number was expected")))
}

/// Whether the tests run as root, as mounting and making devices require.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether strace is there and allowed to trace.
pub fn has_strace() -> bool {
    Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success())
}

/// Says that a test was left out, and why.
pub fn skipped(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
}
