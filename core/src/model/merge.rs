//! Merging a value into the one that is there.

use crate::model::namespace::MergeOperator;
use crate::model::set;

/// The length of a number in bytes.
const NUMBER_BYTES: usize = 8;

impl MergeOperator {
    /// Says what is wrong with a value that is merged, or that others are merged into.
    pub(crate) fn check(self, value: &[u8]) -> Result<(), &'static str> {
        match self {
            Self::AddU64 | Self::AddI64 if value.len() != NUMBER_BYTES => Err("not a number of eight bytes"),
            Self::SetUnion => set::check(value),
            Self::AddU64 | Self::AddI64 | Self::Min | Self::Max | Self::Append => Ok(()),
        }
    }

    /// Returns the largest length that the result for values of these lengths may have.
    pub(crate) fn bytes_max(self, before: usize, operand: usize) -> usize {
        match self {
            Self::AddU64 | Self::AddI64 => NUMBER_BYTES,
            Self::Min | Self::Max => before.max(operand),
            Self::Append | Self::SetUnion => before + operand,
        }
    }

    /// Merges `operand` into `before`. Both were [checked](Self::check).
    pub(crate) fn merge(self, before: &[u8], operand: &[u8]) -> Vec<u8> {
        match self {
            // In two's complement, the sum is the same with and without a sign.
            Self::AddU64 | Self::AddI64 => number(before).wrapping_add(number(operand)).to_le_bytes().to_vec(),
            Self::Min => before.min(operand).to_vec(),
            Self::Max => before.max(operand).to_vec(),
            Self::Append => [before, operand].concat(),
            Self::SetUnion => set::union(before, operand),
        }
    }
}

fn number(value: &[u8]) -> u64 {
    u64::from_le_bytes(value.try_into().expect("it was checked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_merge() {
        let add = |operator: MergeOperator, a: i64, b: i64| operator.merge(&a.to_le_bytes(), &b.to_le_bytes());
        assert_eq!(add(MergeOperator::AddI64, 5, -7), (-2_i64).to_le_bytes());
        assert_eq!(add(MergeOperator::AddU64, 5, 7), 12_u64.to_le_bytes());
        assert_eq!(add(MergeOperator::AddU64, -1, 2), 1_u64.to_le_bytes(), "sums wrap around");
        assert_eq!(MergeOperator::Min.merge(b"ab", b"a"), b"a");
        assert_eq!(MergeOperator::Max.merge(b"ab", b"b"), b"b");
        assert_eq!(MergeOperator::Append.merge(b"ab", b""), b"ab");
        assert_eq!(MergeOperator::Append.merge(b"ab", b"c"), b"abc");
        let (a, b) = (set::of([&b"JFK"[..], b"LAX"]), set::of([&b"JFK"[..], b""]));
        assert_eq!(MergeOperator::SetUnion.merge(&a, &b), set::of([&b""[..], b"JFK", b"LAX"]));
    }

    #[test]
    fn what_is_malformed_is_found() {
        assert!(MergeOperator::AddU64.check(b"1234567").is_err() && MergeOperator::AddI64.check(b"").is_err());
        assert!(MergeOperator::SetUnion.check(b"\x02a").is_err());
        for operator in [MergeOperator::Min, MergeOperator::Max, MergeOperator::Append] {
            assert_eq!((operator.check(b""), operator.check(b"any")), (Ok(()), Ok(())));
        }
    }
}
