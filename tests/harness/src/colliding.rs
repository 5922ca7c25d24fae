//! Keys that are chosen by their hash: whole families of keys with one hash, and a key for any hash.
//!
//! XXH3 is no cryptographic hash. Anyone can compute such keys, so the engine must bound what they cost.

use alluvium_core::model::hash::key_hash;

/// The beginning of XXH3's secret.
const SECRET: [u8; 64] = [
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d,
    0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0,
    0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21, 0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0,
    0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
];

/// The multiplier with which XXH3 mixes inputs of 4 to 8 bytes.
const MULTIPLIER: u64 = 0x9fb2_1c65_1e98_df25;

fn word(at: usize) -> u64 {
    u64::from_le_bytes(SECRET[at..at + 8].try_into().expect("eight bytes"))
}

/// Returns key number `n` of the keys that all have one hash.
///
/// XXH3 of 9 to 16 bytes adds the high half of the input to itself, rotated by 32 bits. For a high half of
/// `(n, 2³² - 1 - n)` this sum does not depend on `n`.
pub fn colliding_key(n: u32) -> [u8; 16] {
    let low = 1 << 32 ^ word(24) ^ word(32);
    let high = (u64::from(n) << 32 | u64::from(u32::MAX - n)) ^ word(40) ^ word(48);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&low.to_le_bytes());
    key[8..].copy_from_slice(&high.to_le_bytes());
    key
}

/// Returns the key of eight bytes that has this hash. XXH3 maps inputs of eight bytes one to one, and every
/// step of it can be undone.
pub fn key_with_hash(hash: u64) -> [u8; 8] {
    // Each line undoes one step of the hash, the last step first.
    let mut mixed = hash ^ hash >> 28 ^ hash >> 56;
    let inverse = inverse_of(MULTIPLIER);
    mixed = mixed.wrapping_mul(inverse);
    mixed ^= (mixed >> 35) + 8;
    mixed = mixed.wrapping_mul(inverse);
    // The step `x ^ rotl(x, 49) ^ rotl(x, 24)` is the identity if it is done 64 times.
    for _ in 0..63 {
        mixed ^= mixed.rotate_left(49) ^ mixed.rotate_left(24);
    }
    (mixed ^ word(8) ^ word(16)).rotate_left(32).to_le_bytes()
}

/// Returns the number by which `odd` must be multiplied to give 1 modulo 2⁶⁴.
fn inverse_of(odd: u64) -> u64 {
    // Newton's iteration doubles the number of correct bits, of which there are three at first.
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

/// Returns key number `n` of ordinary keys, of the same length as the colliding ones.
pub fn ordinary_key(n: u32) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&key_hash(&n.to_le_bytes()).to_le_bytes());
    key[8..12].copy_from_slice(&n.to_le_bytes());
    key
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn colliding_keys_have_one_hash() {
        let hashes: BTreeSet<u64> = (0..10_000).map(|n| key_hash(&colliding_key(n))).collect();
        let keys: BTreeSet<[u8; 16]> = (0..10_000).map(colliding_key).collect();
        assert_eq!((hashes.len(), keys.len()), (1, 10_000));
    }

    #[test]
    fn every_hash_has_its_key() {
        for hash in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef, 1 << 63].into_iter().chain((0..1_000).map(|n| n << 26)) {
            assert_eq!(key_hash(&key_with_hash(hash)), hash, "{hash:x}");
        }
    }
}
