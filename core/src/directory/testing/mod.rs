//! What an implementation of [`Directory`](crate::directory::Directory) is tested with: the
//! conformance suite, the crash certificate, and a simulation whose power can fail.

pub mod conformance;
pub mod crash_certificate;
mod simulated;

pub use simulated::{Fault, Node, Nodes, SimulatedDirectory};
