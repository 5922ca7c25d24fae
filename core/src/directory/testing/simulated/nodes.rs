//! The contents of a simulated directory, and what a crash makes of changes to them.

use std::collections::BTreeMap;

use crate::directory::contract::NewFile;

/// What a path of a simulated directory names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A whole file.
    File(Vec<u8>),
    /// The bytes that a creation left behind when it was cut short.
    Temporary(Vec<u8>),
    /// A directory with nothing in it.
    EmptyDirectory,
    /// A link, pipe or device.
    Other,
}

/// The contents of a simulated directory, by path.
pub type Nodes = BTreeMap<String, Node>;

/// One change that a call asks for and that a crash may undo.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Create(NewFile),
    Delete(String),
}

/// Returns the contents after the changes whose bit is set in `chosen` have happened, and those whose bit
/// is set in `leftovers` have left a half-written file.
pub(super) fn outcome(durable: &Nodes, changes: &[Change], chosen: u64, leftovers: u64) -> Nodes {
    let bit = |bits: u64, at: usize| bits >> (at % 64) & 1 == 1;
    let mut nodes = durable.clone();
    let is_commit = |at: usize| at + 1 == changes.len();
    // The last file is the commit: it exists only with all the others.
    let all = (0..changes.len()).all(|at| bit(chosen, at));
    for (at, change) in changes.iter().enumerate() {
        match change {
            Change::Create(file) if bit(chosen, at) && (!is_commit(at) || all) => {
                nodes.insert(file.path.clone(), Node::File(file.content.clone()));
            }
            Change::Create(file) if bit(leftovers, at) => {
                let half = file.content[..file.content.len() / 2].to_vec();
                let path = file.path.rsplit_once('/').map_or("", |(directory, _)| directory);
                let path = if path.is_empty() { format!(".tmp-{at}") } else { format!("{path}/.tmp-{at}") };
                nodes.insert(path, Node::Temporary(half));
            }
            Change::Delete(path) if bit(chosen, at) => {
                nodes.remove(path);
            }
            Change::Create(_) | Change::Delete(_) => {}
        }
    }
    nodes
}
