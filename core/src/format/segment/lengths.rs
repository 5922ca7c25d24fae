//! The lengths in front of a record. Consecutive records with equal lengths store them only once.

use crate::format::varint::Cursor;
use crate::model::record::{KEY_BYTES_MAX, Record, VALUE_BYTES_MAX};

/// This byte replaces the lengths of a record that has those of the previous record in the same chunk.
pub(super) const SAME_LENGTHS: u8 = 0;

/// The length of a key and the tag of a value. The tag is the value's length plus one, so that 0 means a
/// tombstone and not an empty value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) key: u32,
    pub(super) value: u32,
}

impl Lengths {
    /// Returns the lengths of a record.
    pub(super) fn of(record: &Record<'_>) -> Self {
        Self { key: record.key.len() as u32, value: record.value.map_or(0, |value| value.len() as u32 + 1) }
    }

    /// Reads the lengths of a record, where `before` are those of the previous one. Lengths that are not in
    /// their shortest form are damage. An error says what is wrong.
    #[inline]
    pub(super) fn read(cursor: &mut Cursor<'_>, before: Option<Self>) -> Result<Self, &'static str> {
        let key = cursor.varint().ok_or("key length")?;
        if key == u32::from(SAME_LENGTHS) {
            return before.ok_or("refers to the lengths of a previous record, but it is the first");
        }
        let lengths = Self { key: key - 1, value: cursor.varint().ok_or("value length")? };
        if lengths.key as usize > KEY_BYTES_MAX || lengths.value as usize > VALUE_BYTES_MAX + 1 {
            return Err("longer than the format allows");
        }
        if before == Some(lengths) {
            return Err("repeats the lengths of the previous record");
        }
        Ok(lengths)
    }
}
