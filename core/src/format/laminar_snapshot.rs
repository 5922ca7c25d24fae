//! LaminarDB's `StateSnapshot`: the format of `state.bin` in which laminar-storage 0.18 keeps keys and
//! values. With it, directories of LaminarDB can be imported, and checkpoints can be exported to LaminarDB.
//!
//! All integers are little-endian. Every `rel` is a signed distance from its own position in the file.
//!
//! ```text
//! k0 v0 k1 v1 …        raw bytes, no padding
//! pad to 4             zeros
//! N × 16 bytes         { i32 key_rel, u32 key_len, i32 value_rel, u32 value_len }
//! pad to 8             zeros
//! last 24 bytes        { i32 array_rel, u32 N, u64 timestamp_ns, u32 version = 1, u32 0 }
//! ```
//!
//! The format has no checksum, so the reader accepts only what the writer writes: parts that follow each
//! other without gap or overlap, and zeros between them. A file that it accepts re-encodes to the same
//! bytes.

use crate::error::IncrementalCheckpointError;

/// The only version that LaminarDB ever wrote.
pub const VERSION: u32 = 1;

/// `{ i32 array_rel, u32 N, u64 timestamp_ns, u32 version, u32 0 }`
const ROOT_BYTES: usize = 24;
/// `{ i32 key_rel, u32 key_len, i32 value_rel, u32 value_len }`
const ENTRY_BYTES: usize = 16;
/// Distances are `i32`, so a larger file could not say where an entry is.
const FILE_BYTES_MAX: usize = i32::MAX as usize;

/// A decoded `StateSnapshot`, borrowing from the file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot<'a> {
    /// When the snapshot was taken, in nanoseconds of Unix time.
    pub timestamp_ns: u64,
    /// Keys and values in the order of the file. Each key occurs once.
    pub entries: Vec<(&'a [u8], &'a [u8])>,
}

/// Reads a `StateSnapshot`.
///
/// It never allocates more than three times the file's size. A file that LaminarDB cannot have written is
/// [`Deserialization`](IncrementalCheckpointError::Deserialization): a wrong version, a distance that
/// does not lead to the next part, a key that occurs twice, or bytes that belong to no part.
///
/// ```
/// use alluvium_core::format::laminar_snapshot::{decode_state_snapshot, encode_state_snapshot};
///
/// let bytes = encode_state_snapshot([(b"bed", b"gravel")], 1_700_000_000_000_000_000)?;
/// let snapshot = decode_state_snapshot(&bytes)?;
/// assert_eq!(snapshot.entries, [(&b"bed"[..], &b"gravel"[..])]);
///
/// let error = decode_state_snapshot(b"opaque").unwrap_err();
/// assert!(error.to_string().contains("StateSnapshot"));
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
pub fn decode_state_snapshot(file: &[u8]) -> Result<Snapshot<'_>, IncrementalCheckpointError> {
    let root = file
        .len()
        .checked_sub(ROOT_BYTES)
        .ok_or_else(|| not_a_snapshot(0, format!("{} bytes, where the smallest has {ROOT_BYTES}", file.len())))?;
    if file.len() > FILE_BYTES_MAX || root % 8 != 0 {
        return Err(not_a_snapshot(root, format!("a file of {} bytes cannot end in its root", file.len())));
    }
    let version = u32_at(file, root + 16)?;
    if version != VERSION {
        return Err(not_a_snapshot(root + 16, format!("version {version}, where only {VERSION} is known")));
    }
    expect_zeros(file, root + 20, file.len())?;

    // The root says how many entries there are. The file must have room for them before memory is allocated.
    let count = usize_at(file, root + 4)?;
    let array = follow(file, root)?;
    let array_end = count.checked_mul(ENTRY_BYTES).and_then(|bytes| array.checked_add(bytes));
    let Some(array_end) = array_end.filter(|end| *end <= root && end.next_multiple_of(8) == root) else {
        return Err(not_a_snapshot(root, format!("{count} entries at {array} do not lead up to the root at {root}")));
    };
    expect_zeros(file, array_end, root)?;

    let mut entries = Vec::with_capacity(count);
    let mut next = 0;
    for entry in (array..array_end).step_by(ENTRY_BYTES) {
        let key = part(file, entry, array, &mut next)?;
        let value = part(file, entry + 8, array, &mut next)?;
        entries.push((key, value));
    }
    if next.next_multiple_of(4) != array {
        return Err(not_a_snapshot(next, format!("{} bytes that belong to no entry", array - next)));
    }
    expect_zeros(file, next, array)?;
    refuse_duplicates(&entries, array)?;
    Ok(Snapshot { timestamp_ns: u64_at(file, root + 8)?, entries })
}

/// Encodes `entries` as a `StateSnapshot`, in the given order and byte for byte as LaminarDB writes it.
///
/// The keys must be distinct, as those of a state are. The format cannot hold more than 2 GiB; a larger
/// snapshot is [`LimitExceeded`](IncrementalCheckpointError::LimitExceeded).
///
/// ```
/// let bytes = alluvium_core::format::laminar_snapshot::encode_state_snapshot([("k", "v")], 7)?;
/// assert_eq!(bytes.len(), 2 + 2 /* to 4 */ + 16 + 4 /* to 8 */ + 24);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
pub fn encode_state_snapshot<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    entries: impl IntoIterator<Item = (K, V)>,
    timestamp_ns: u64,
) -> Result<Vec<u8>, IncrementalCheckpointError> {
    let mut file = Vec::new();
    let mut lengths: Vec<(u32, u32)> = Vec::new();
    for (key, value) in entries {
        let (key, value) = (key.as_ref(), value.as_ref());
        // The size is checked before the copy, so that a state that does not fit never takes its memory twice.
        let sizes = [file.len(), key.len(), value.len(), 4, lengths.len() * ENTRY_BYTES, ENTRY_BYTES, 8, ROOT_BYTES];
        if sizes.into_iter().fold(0, usize::saturating_add) > FILE_BYTES_MAX {
            return Err(IncrementalCheckpointError::LimitExceeded(format!(
                "LaminarDB's StateSnapshot holds at most {FILE_BYTES_MAX} bytes, and entry {} exceeds that",
                lengths.len()
            )));
        }
        file.extend_from_slice(key);
        file.extend_from_slice(value);
        lengths.push((as_u32(key.len()), as_u32(value.len())));
    }
    file.resize(file.len().next_multiple_of(4), 0);
    let array = file.len();
    let mut next = 0;
    for &(key_len, value_len) in &lengths {
        for len in [key_len, value_len] {
            let at = file.len();
            file.extend_from_slice(&distance(at, next).to_le_bytes());
            file.extend_from_slice(&len.to_le_bytes());
            next += len as usize;
        }
    }
    file.resize(file.len().next_multiple_of(8), 0);
    let root = file.len();
    file.extend_from_slice(&distance(root, array).to_le_bytes());
    file.extend_from_slice(&as_u32(lengths.len()).to_le_bytes());
    file.extend_from_slice(&timestamp_ns.to_le_bytes());
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&0u32.to_le_bytes());
    Ok(file)
}

/// Reads one key or value: `{ i32 rel, u32 len }` at `at`. It must begin at `next` and end before `end`.
fn part<'a>(file: &'a [u8], at: usize, end: usize, next: &mut usize) -> Result<&'a [u8], IncrementalCheckpointError> {
    let (start, len) = (follow(file, at)?, usize_at(file, at + 4)?);
    let stop = start.checked_add(len).filter(|stop| start == *next && *stop <= end);
    let Some((stop, bytes)) = stop.and_then(|stop| Some((stop, file.get(start..stop)?))) else {
        return Err(not_a_snapshot(at, format!("{len} bytes at {start}, where {next} to {end} are left")));
    };
    *next = stop;
    Ok(bytes)
}

/// Returns the position that the distance at `at` leads to. It is never past the end of the file.
fn follow(file: &[u8], at: usize) -> Result<usize, IncrementalCheckpointError> {
    let rel = i32::from_le_bytes(array_at(file, at)?);
    let to = isize::try_from(rel).ok().and_then(|rel| at.checked_add_signed(rel));
    to.filter(|to| *to <= file.len()).ok_or_else(|| not_a_snapshot(at, format!("distance {rel} leads out of the file")))
}

/// Returns an error if two entries have the same key.
fn refuse_duplicates(entries: &[(&[u8], &[u8])], array: usize) -> Result<(), IncrementalCheckpointError> {
    // Sorting is used instead of hashing, so that no choice of keys makes it slow.
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_unstable_by_key(|&index| (entries[index].0, index));
    let twice = order.windows(2).find(|pair| entries[pair[0]].0 == entries[pair[1]].0);
    twice.map_or(Ok(()), |pair| {
        let what = format!("entry {} has the same key as entry {}", pair[1], pair[0]);
        Err(not_a_snapshot(array + pair[1] * ENTRY_BYTES, what))
    })
}

/// Returns an error unless all bytes in the range are zero.
fn expect_zeros(file: &[u8], from: usize, to: usize) -> Result<(), IncrementalCheckpointError> {
    let padding = file.get(from..to).unwrap_or_default();
    let stray = padding.iter().position(|&byte| byte != 0);
    stray.map_or(Ok(()), |index| {
        Err(not_a_snapshot(from + index, format!("byte {:#04x} in padding that must be zero", padding[index])))
    })
}

fn array_at<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N], IncrementalCheckpointError> {
    let bytes = file.get(at..).and_then(|rest| rest.first_chunk::<N>());
    bytes.copied().ok_or_else(|| not_a_snapshot(at, format!("{N} bytes are missing")))
}

fn u32_at(file: &[u8], at: usize) -> Result<u32, IncrementalCheckpointError> {
    array_at(file, at).map(u32::from_le_bytes)
}

fn u64_at(file: &[u8], at: usize) -> Result<u64, IncrementalCheckpointError> {
    array_at(file, at).map(u64::from_le_bytes)
}

fn usize_at(file: &[u8], at: usize) -> Result<usize, IncrementalCheckpointError> {
    let length = u32_at(file, at)?;
    usize::try_from(length).map_err(|_| not_a_snapshot(at, format!("length {length}")))
}

/// Converts a length. The limit on the file's size was checked before anything was written.
fn as_u32(length: usize) -> u32 {
    u32::try_from(length).expect("lengths are bounded by FILE_BYTES_MAX")
}

/// Returns the distance from `at` back to `to`. Both are within the limit on the file's size.
fn distance(at: usize, to: usize) -> i32 {
    -i32::try_from(at - to).expect("distances are bounded by FILE_BYTES_MAX")
}

fn not_a_snapshot(at: usize, what: impl std::fmt::Display) -> IncrementalCheckpointError {
    IncrementalCheckpointError::unknown("state.bin", format!("not a StateSnapshot of LaminarDB: at {at}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What LaminarDB writes for `(k1, gravel)` and `(empty, )` at 7 ns, laid out by hand.
    const BY_HAND: &[u8] = b"k1gravelempty\0\0\0\
        \xf0\xff\xff\xff\x02\0\0\0\xea\xff\xff\xff\x06\0\0\0\
        \xe8\xff\xff\xff\x05\0\0\0\xe5\xff\xff\xff\0\0\0\0\
        \xe0\xff\xff\xff\x02\0\0\0\x07\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0";

    fn check_refused(file: &[u8], expected: &str) {
        let error = decode_state_snapshot(file).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    }

    fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut file = BY_HAND.to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    }

    #[test]
    fn both_directions_agree_with_the_layout() {
        let entries = [("k1", "gravel"), ("empty", "")];
        assert_eq!(encode_state_snapshot(entries, 7).unwrap(), BY_HAND);
        let snapshot = decode_state_snapshot(BY_HAND).unwrap();
        assert_eq!(snapshot.timestamp_ns, 7);
        assert_eq!(snapshot.entries, entries.map(|(key, value)| (key.as_bytes(), value.as_bytes())));
    }

    #[test]
    fn an_empty_snapshot_is_its_root_alone() {
        let file = encode_state_snapshot::<&str, &str>([], u64::MAX).unwrap();
        assert_eq!(file.len(), ROOT_BYTES);
        assert_eq!(decode_state_snapshot(&file).unwrap(), Snapshot { timestamp_ns: u64::MAX, entries: Vec::new() });
    }

    #[test]
    fn a_file_with_a_flipped_bit_is_refused_or_reencodes_to_itself() {
        for (at, byte) in BY_HAND.iter().enumerate() {
            for bit in 0..8 {
                let file = with(at, &[byte ^ (1 << bit)]);
                if let Ok(snapshot) = decode_state_snapshot(&file) {
                    let again = encode_state_snapshot(snapshot.entries, snapshot.timestamp_ns).unwrap();
                    assert_eq!(again, file, "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn every_cut_and_every_appended_byte_is_refused() {
        for length in 0..BY_HAND.len() {
            decode_state_snapshot(&BY_HAND[..length]).expect_err("cut");
        }
        for more in 1..32 {
            check_refused(&[BY_HAND, &vec![0; more]].concat(), "not a StateSnapshot");
        }
    }

    #[test]
    fn hostile_counts_and_distances_are_refused_before_memory_is_taken() {
        check_refused(&with(52, &u32::MAX.to_le_bytes()), "at 48: 4294967295 entries at 16");
        check_refused(&with(48, &i32::MAX.to_le_bytes()), "at 48: distance 2147483647 leads out of the file");
        check_refused(&with(16, &i32::MIN.to_le_bytes()), "at 16: distance -2147483648 leads out of the file");
        check_refused(&with(20, &u32::MAX.to_le_bytes()), "at 16: 4294967295 bytes at 0");
        // Both entries point to the same bytes. A small file must not stand for a large state.
        check_refused(&with(32, &(-32i32).to_le_bytes()), "at 32: 5 bytes at 0, where 8 to 16 are left");
        check_refused(&with(64, &2u32.to_le_bytes()), "at 64: version 2");
        check_refused(&with(15, b"x"), "at 15: byte 0x78 in padding");
    }

    #[test]
    fn a_key_twice_is_refused() {
        let file = encode_state_snapshot([("a", "1"), ("b", "2"), ("a", "3")], 7).unwrap();
        check_refused(&file, "entry 2 has the same key as entry 0");
    }
}
