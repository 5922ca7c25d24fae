//! Landlock: one directory of the file system, no network, and no signals to others.

use std::io;
use std::os::fd::BorrowedFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// What there must be: with less, files could be cut short or linked past the rules. It is in Linux since 6.2.
const AT_LEAST: ABI = ABI::V3;

/// What is used where the kernel has it: rules for sockets, devices, and signals to processes outside.
const AT_MOST: ABI = ABI::V9;

/// What an engine does in its directory: it runs nothing there, and makes nothing but files and directories.
fn engine() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::Refer
}

fn rules() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(AT_LEAST))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(AT_MOST))?
        .handle_access(AccessNet::from_all(AT_MOST))?
        .scope(Scope::from_all(AT_MOST))?
        .create()
}

/// Says why the kernel cannot keep a process to a directory, if it cannot.
pub(in crate::isolated) fn check() -> io::Result<()> {
    rules().map(drop).map_err(|error| missing(&error))
}

/// Keeps this thread, and those that it starts, to one directory.
pub(super) fn apply(directory: BorrowedFd<'_>) -> io::Result<()> {
    let applied = rules().and_then(|rules| rules.add_rule(PathBeneath::new(directory, engine()))?.restrict_self());
    let status = applied.map_err(|error| missing(&error))?;
    match (status.ruleset, status.no_new_privs) {
        (RulesetStatus::NotEnforced, _) | (_, false) => Err(missing(&"its rules are not enforced")),
        _ => Ok(()),
    }
}

fn missing(error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("landlock (Linux 6.2 or later, and enabled): {error}"))
}
