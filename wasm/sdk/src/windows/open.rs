//! The windows of a key that are open, as one value of the state.

use super::Window;
use crate::aggregate::Aggregate;
use crate::time::Time;

/// A window and what was computed of its records.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Open<T> {
    pub(super) window: Window,
    pub(super) kept: T,
}

/// Writes the windows, in their order: for each the two times and the length of what it keeps, eight, eight and four
/// bytes, little-endian, and what it keeps.
pub(super) fn write<R, A: Aggregate<R>>(aggregate: &A, open: &[Open<A::Kept>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Open { window, kept } in open {
        let kept = aggregate.write(kept);
        bytes.extend_from_slice(&window.from.as_ms().to_le_bytes());
        bytes.extend_from_slice(&window.to.as_ms().to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(kept.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&kept);
    }
    bytes
}

/// Reads the windows of a key. `None` says that the bytes are none.
pub(super) fn read<R, A: Aggregate<R>>(aggregate: &A, mut bytes: &[u8]) -> Option<Vec<Open<A::Kept>>> {
    let mut open = Vec::new();
    while !bytes.is_empty() {
        let (from, rest) = bytes.split_first_chunk()?;
        let (to, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (kept, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let window = |ms: &[u8; 8]| Time::from_ms(i64::from_le_bytes(*ms));
        open.push(Open { window: Window { from: window(from), to: window(to) }, kept: aggregate.read(kept)? });
        bytes = rest;
    }
    Some(open)
}
