//! Batches of mutations as columns. In this form a batch crosses the border of a component with only a few
//! copies. A batch is checked completely before any part of it is applied.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::record::check_lengths;

/// A batch of mutations as columns. Each mutation has an operation and two lengths. Keys and values follow
/// each other without separators.
///
/// ```
/// use alluvium_core::Columns;
///
/// let batch = Columns { ops: &[0, 1], key_lens: &[2, 1], value_lens: &[3, 0], keys: b"abc", values: b"one" };
/// assert_eq!(batch.mutations()?.collect::<Vec<_>>(), [(&b"ab"[..], Some(&b"one"[..])), (b"c", None)]);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// The operation of each mutation: 0 is a put, 1 is a delete. In a
    /// [namespace that merges](crate::model::namespace::MergeOperator), 2 merges the value into that of the key.
    pub ops: &'a [u8],
    /// The length of each key in bytes.
    pub key_lens: &'a [u32],
    /// The length of each value in bytes. It is 0 for a delete.
    pub value_lens: &'a [u32],
    /// The bytes of all keys, without anything between them.
    pub keys: &'a [u8],
    /// The bytes of all values, without anything between them.
    pub values: &'a [u8],
}

/// What a mutation of a batch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Put,
    Delete,
    Merge,
}

impl Operation {
    fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Put),
            1 => Some(Self::Delete),
            Columns::MERGE => Some(Self::Merge),
            _ => None,
        }
    }
}

fn unknown(at: usize, op: u8) -> Error {
    Error::InvalidInput(format!("record {at}: unknown operation {op}"))
}

impl<'a> Columns<'a> {
    /// The operation of a merge.
    pub const MERGE: u8 = 2;

    /// Returns the most memory that applying the batch may take.
    pub(crate) fn memory_max(&self) -> usize {
        let payload = self.keys.len() + self.values.len() + self.ops.len() * 64;
        2 * payload + (1 << 20)
    }

    /// Checks the whole batch, then returns its mutations in order: the key, and the value or `None` for a
    /// delete.
    ///
    /// Columns that do not fit together, an unknown operation and a delete with a value are
    /// [`InvalidInput`](Error::InvalidInput). A key or value beyond the format's limits is
    /// [`LimitExceeded`](Error::LimitExceeded).
    pub fn mutations(&self) -> Result<impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a>, Error> {
        let merge = self.ops.iter().position(|op| *op == Self::MERGE);
        merge.map_or(Ok(()), |at| Err(unknown(at, Self::MERGE)))?;
        let operations = self.operations()?;
        Ok(operations.map(|(operation, key, value)| (key, (operation != Operation::Delete).then_some(value))))
    }

    /// Does the same for a namespace that may merge. The value of a delete is empty.
    pub(crate) fn operations(&self) -> Result<impl Iterator<Item = (Operation, &'a [u8], &'a [u8])> + use<'a>, Error> {
        let invalid = |what: String| Err(Error::InvalidInput(what));
        let count = self.ops.len();
        if self.key_lens.len() != count || self.value_lens.len() != count {
            return invalid(format!(
                "columns differ in length: {count} operations, {} key lengths, {} value lengths",
                self.key_lens.len(),
                self.value_lens.len()
            ));
        }
        let (mut keys, mut values) = (0u64, 0u64);
        for (at, ((op, key), value)) in self.ops.iter().zip(self.key_lens).zip(self.value_lens).enumerate() {
            match (Operation::of(*op), *value) {
                (Some(Operation::Put | Operation::Merge), _) | (Some(Operation::Delete), 0) => {}
                (Some(Operation::Delete), bytes) => {
                    return invalid(format!("record {at}: a delete with a value of {bytes} bytes"));
                }
                (None, _) => return Err(unknown(at, *op)),
            }
            check_lengths(*key as usize, *value as usize)?;
            keys += u64::from(*key);
            values += u64::from(*value);
        }
        if (keys, values) != (self.keys.len() as u64, self.values.len() as u64) {
            return invalid(format!(
                "lengths add up to {keys} bytes of keys and {values} of values, and there are {} and {}",
                self.keys.len(),
                self.values.len()
            ));
        }
        let (mut keys, mut values) = (self.keys, self.values);
        Ok(self.ops.iter().zip(self.key_lens).zip(self.value_lens).map(move |((op, key_len), value_len)| {
            let (key, value);
            (key, keys) = keys.split_at(*key_len as usize);
            (value, values) = values.split_at(*value_len as usize);
            (Operation::of(*op).unwrap_or(Operation::Put), key, value)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_add_up_is_refused() {
        let check = |ops: &[u8], key_lens: &[u32], value_lens: &[u32], keys: &[u8], values: &[u8]| {
            Columns { ops, key_lens, value_lens, keys, values }.mutations().err().map(|error| error.to_string())
        };
        assert_eq!(check(&[0], &[1], &[1], b"k", b"v"), None);
        for (ops, key_lens, value_lens, keys, values, expected) in [
            (&[0, 0][..], &[1][..], &[1][..], &b"k"[..], &b"v"[..], "differ in length"),
            (&[2], &[1], &[1], b"k", b"v", "unknown operation 2"),
            (&[1], &[1], &[1], b"k", b"v", "a delete with a value"),
            (&[0], &[2], &[1], b"k", b"v", "add up to 2 bytes of keys"),
            (&[0], &[1], &[0], b"k", b"v", "0 of values"),
            (&[0], &[70_000], &[0], b"k", b"", "key of 70000 bytes"),
            (&[0], &[u32::MAX], &[u32::MAX], b"k", b"", "key of 4294967295 bytes"),
        ] {
            let error = check(ops, key_lens, value_lens, keys, values).expect(expected);
            assert!(error.contains(expected), "{error}");
        }
    }
}
