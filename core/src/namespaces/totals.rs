//! What all namespaces hold together, the default one included.

use crate::namespaces::Spaces;
use crate::state::State;

/// The totals of a whole state, by which a checkpoint is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    /// The number of live keys.
    pub(crate) keys: u64,
    /// The bytes of all live keys and values.
    pub(crate) bytes: u64,
    /// The digest of the state.
    pub(crate) digest: u64,
}

impl Totals {
    /// Returns the totals of the default namespace and the declared ones.
    pub(crate) fn of(state: &State, spaces: &Spaces) -> Self {
        let of_default = Self { keys: state.len() as u64, bytes: state.payload_bytes(), digest: state.digest() };
        spaces.iter().fold(of_default, |sum, space| Self {
            keys: sum.keys + space.state().len() as u64,
            bytes: sum.bytes + space.state().payload_bytes(),
            digest: sum.digest.wrapping_add(space.digest()),
        })
    }
}
