//! The hashes of the format: XXH3 with 64 bits, as specified since its version 0.8.0. They are frozen: a
//! change here is a new format. `FORMAT.md` has test vectors.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Returns the hash of a key (with seed 0). It decides the key's group and its place in the order.
///
/// ```
/// assert_eq!(alluvium_core::model::hash::key_hash(b""), 0x2d06_8005_38d3_94c2);
/// ```
#[inline]
pub fn key_hash(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// Returns the checksum of bytes, bound to the place that `binding` stands for (it is the seed). The
/// checksum does not match if the bytes are moved to another place.
#[inline]
pub fn checksum(bytes: &[u8], binding: u64) -> u64 {
    xxh3_64_with_seed(bytes, binding)
}

/// Returns the low half of a value's hash. A record keeps it beside the value, so that an overwrite can
/// update the digest without reading the old value.
#[inline]
pub fn value_hash(value: &[u8]) -> u32 {
    xxh3_64(value) as u32
}

/// Returns one entry's share of the digest of a state. The digest is the sum of all shares modulo 2⁶⁴, so
/// that it can be updated entry by entry, in any order.
#[inline]
pub fn entry_digest(key_hash: u64, value_hash: u32) -> u64 {
    // Multiplying by an odd constant and folding would leave patterns. A second XXH3 over the pair leaves
    // none, and costs two nanoseconds.
    let mut pair = [0; 12];
    pair[..8].copy_from_slice(&key_hash.to_le_bytes());
    pair[8..].copy_from_slice(&value_hash.to_le_bytes());
    xxh3_64(&pair)
}

/// Returns by what the digest of a namespace's entries is multiplied before it is added to the digest of the
/// state. So an entry that moves to another namespace changes the digest. The default namespace has weight 1.
///
/// In a namespace, an entry's own digest is [`entry_digest`] of the hash of its whole stored key and of its
/// stored value.
///
/// ```
/// assert_eq!(alluvium_core::model::hash::namespace_weight(0), 1);
/// ```
#[inline]
pub fn namespace_weight(namespace: u32) -> u64 {
    if namespace == 0 { 1 } else { xxh3_64(&namespace.to_le_bytes()) | 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of FORMAT.md.
    #[test]
    fn hashes_are_frozen() {
        assert_eq!(key_hash(b"AA:JFK-LAX"), 0xc164_6e31_0a82_697a);
        assert_eq!(checksum(b"sediment", 1), 0xc4a9_fdb7_17cf_1553);
        assert_eq!(entry_digest(key_hash(b"a"), value_hash(b"1")), 0x32e5_91ee_347d_e223);
    }

    #[test]
    fn weights_are_odd_and_differ() {
        let weights: Vec<u64> = (0..100).map(namespace_weight).collect();
        for (at, weight) in weights.iter().enumerate() {
            assert!(weight % 2 == 1 && !weights[..at].contains(weight), "namespace {at}");
        }
    }

    #[test]
    fn moved_bytes_do_not_pass() {
        assert_ne!(checksum(b"sediment", 1), checksum(b"sediment", 2));
    }

    #[test]
    fn digest_tells_values_and_keys_apart() {
        let (a, b) = (key_hash(b"a"), key_hash(b"b"));
        // Swapped values must not cancel out in the sum.
        let (one, two) = (value_hash(b"1"), value_hash(b"2"));
        let right = entry_digest(a, one).wrapping_add(entry_digest(b, two));
        let swapped = entry_digest(a, two).wrapping_add(entry_digest(b, one));
        assert_ne!(right, swapped);
    }
}
