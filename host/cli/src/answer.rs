//! What a command that did its work has to say.

/// What a command that did its work has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Done, or yes: exit code 0.
    Yes,
    /// The answer is no: a check found damage, a run was interrupted before its end. Exit code 1.
    No,
}
