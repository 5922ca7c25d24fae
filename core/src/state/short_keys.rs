//! Comparing and copying short keys. Most keys are short, and a library call costs more than the work
//! itself; in WebAssembly, where it compares byte by byte, it costs several times as much. So keys of 8 to
//! 16 bytes are handled as two words that may overlap.

const WORD: usize = 8;

/// Returns the first and the last eight bytes of a key if they cover the whole key.
#[inline]
fn words(key: &[u8]) -> Option<[[u8; WORD]; 2]> {
    if key.len() > 2 * WORD {
        return None;
    }
    Some([*key.first_chunk()?, *key.last_chunk()?])
}

/// Returns whether two keys are equal.
#[inline]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    match (words(a), words(b)) {
        (Some(words_of_a), Some(words_of_b)) => {
            a.len() == b.len() && words_of_a.map(u64::from_le_bytes) == words_of_b.map(u64::from_le_bytes)
        }
        _ => a == b,
    }
}

/// Copies a key to a place that has exactly its length.
#[inline]
pub(super) fn copy(key: &[u8], to: &mut [u8]) {
    assert_eq!(key.len(), to.len(), "a key goes where there is its room");
    match words(key) {
        Some([first, last]) => {
            to[..WORD].copy_from_slice(&first);
            let at = to.len() - WORD;
            to[at..].copy_from_slice(&last);
        }
        None => to.copy_from_slice(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_slices_do() {
        let bytes: Vec<u8> = (0..40).collect();
        for length in 0..=bytes.len() {
            let key = &bytes[..length];
            let mut copied = vec![0xff; length];
            copy(key, &mut copied);
            assert_eq!(copied, key);
            assert!(same(key, &copied));
            assert!(length == 0 || !same(key, &key[1..]) && !same(key, &key[..length - 1]));
            for at in 0..length {
                let mut other = key.to_vec();
                other[at] ^= 1;
                assert!(!same(key, &other), "byte {at} of {length}");
            }
        }
    }
}
