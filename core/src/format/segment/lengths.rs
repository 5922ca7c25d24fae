//! What stands in front of a record: its lengths, and in some chunks its namespace. Consecutive records that
//! are alike in this say it only once.

use crate::format::varint::{Cursor, push_varint};
use crate::model::record::{KEY_BYTES_MAX, Record, VALUE_BYTES_MAX};

/// The most bytes that stand in front of a record: three for the length of its key, four for that of its
/// value, and five for its namespace.
pub(crate) const RECORD_LEAD_BYTES_MAX: u64 = 12;

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

    /// Appends the lengths.
    #[inline]
    pub(super) fn push(self, out: &mut Vec<u8>) {
        push_varint(out, self.key + 1);
        push_varint(out, self.value);
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
        lengths.check()?;
        if before == Some(lengths) {
            return Err("repeats the lengths of the previous record");
        }
        Ok(lengths)
    }

    #[inline]
    fn check(self) -> Result<(), &'static str> {
        if self.key as usize > KEY_BYTES_MAX || self.value as usize > VALUE_BYTES_MAX + 1 {
            return Err("longer than the format allows");
        }
        Ok(())
    }
}

/// The lengths and the namespace of a record in a chunk whose records say which namespace they belong to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) lengths: Lengths,
    pub(super) namespace: u32,
}

impl Placement {
    /// Appends the lengths and the namespace.
    pub(super) fn push(self, out: &mut Vec<u8>) {
        self.lengths.push(out);
        push_varint(out, self.namespace);
    }

    /// Reads what stands in front of a record, as [`Lengths::read`] does.
    pub(super) fn read(cursor: &mut Cursor<'_>, before: Option<Self>) -> Result<Self, &'static str> {
        let key = cursor.varint().ok_or("key length")?;
        if key == u32::from(SAME_LENGTHS) {
            return before.ok_or("refers to the namespace of a previous record, but it is the first");
        }
        let lengths = Lengths { key: key - 1, value: cursor.varint().ok_or("value length")? };
        lengths.check()?;
        let placement = Self { lengths, namespace: cursor.varint().ok_or("namespace")? };
        if before == Some(placement) {
            return Err("repeats the lengths and the namespace of the previous record");
        }
        Ok(placement)
    }
}
