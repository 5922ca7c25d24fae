//! The lengths in front of a record. Records of equal lengths in a row say them once.

use crate::format::varint::Cursor;
use crate::model::record::{KEY_BYTES_MAX, Record, VALUE_BYTES_MAX};

/// In place of a record's lengths: they are those of the record before in the same chunk.
pub(super) const SAME_LENGTHS: u8 = 0;

/// Length of a key, and a value's tag: its length plus one, so that 0 is a tombstone and no empty value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) key: u32,
    pub(super) value: u32,
}

impl Lengths {
    pub(super) fn of(record: &Record<'_>) -> Self {
        Self { key: record.key.len() as u32, value: record.value.map_or(0, |value| value.len() as u32 + 1) }
    }

    /// Reads them, or what stands for `before`; what could have been said more shortly is damage.
    #[inline]
    pub(super) fn read(cursor: &mut Cursor<'_>, before: Option<Self>) -> Result<Self, &'static str> {
        let key = cursor.varint().ok_or("key length")?;
        if key == u32::from(SAME_LENGTHS) {
            return before.ok_or("lengths of a record before, which there is not");
        }
        let lengths = Self { key: key - 1, value: cursor.varint().ok_or("value length")? };
        if lengths.key as usize > KEY_BYTES_MAX || lengths.value as usize > VALUE_BYTES_MAX + 1 {
            return Err("longer than the format allows");
        }
        if before == Some(lengths) {
            return Err("lengths of the record before, said again");
        }
        Ok(lengths)
    }
}
