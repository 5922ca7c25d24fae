//! The beginning of a key in a number, so that keys can be compared without being read.

use crate::state::arena::Address;

/// How many bytes of a key a reference holds.
pub(super) const HEAD_BYTES: usize = 3;

/// The lowest bit of the head in a reference.
pub(super) const HEAD_SHIFT: u32 = 32;

/// The lowest bit of the first byte of the head.
pub(super) const TOP_SHIFT: u32 = u64::BITS - 8;

/// Returns three bytes of a key and how many it has, four standing for more than three. Heads are in the order
/// of keys. Keys with equal heads are equal, or both have more bytes.
#[inline]
fn head(suffix: &[u8]) -> u32 {
    let mut bytes = [0; 4];
    match suffix.first_chunk::<HEAD_BYTES>() {
        Some(first) => bytes[..HEAD_BYTES].copy_from_slice(first),
        None => bytes[..suffix.len()].copy_from_slice(suffix),
    }
    // A key that ends here is before all keys that go on with zeros.
    bytes[HEAD_BYTES] = suffix.len().min(HEAD_BYTES + 1) as u8;
    u32::from_be_bytes(bytes)
}

/// Returns the reference to a record. `suffix` is the part of its key that is compared next.
#[inline]
pub(super) fn reference(suffix: &[u8], address: Address) -> u64 {
    u64::from(head(suffix)) << HEAD_SHIFT | u64::from(address)
}

/// Returns the beginning of the key in a reference.
#[inline]
pub(super) fn head_of(reference: u64) -> u32 {
    (reference >> HEAD_SHIFT) as u32
}
