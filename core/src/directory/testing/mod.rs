//! Tools to test an implementation of [`Directory`](crate::directory::Directory): the conformance suite,
//! the crash certificate, and a simulated directory whose power can fail.

pub mod conformance;
pub mod crash_certificate;
mod simulated;

pub use simulated::{Fault, Node, Nodes, SimulatedDirectory};
