//! What windows compute of their records.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// Computes a value of many records, one by one.
///
/// What it keeps meanwhile is a part of the state. Its bytes must be the same for the same records in the same order.
pub trait Aggregate<R> {
    /// What it keeps.
    type Kept: Clone;

    /// Begins without a record.
    fn begin(&self) -> Self::Kept;

    /// Takes a record.
    fn add(&self, kept: &mut Self::Kept, row: &R);

    /// Joins two, of which the first has the earlier records.
    fn join(&self, kept: &mut Self::Kept, later: &Self::Kept);

    /// Returns the value, as JSON.
    fn value(&self, kept: &Self::Kept) -> Json;

    /// Writes what it keeps.
    fn write(&self, kept: &Self::Kept) -> Vec<u8>;

    /// Reads what it keeps.
    fn read(&self, bytes: &[u8]) -> Option<Self::Kept>;
}

/// How many records there are. It keeps eight bytes, little-endian.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count;

impl<R> Aggregate<R> for Count {
    type Kept = u64;

    fn begin(&self) -> u64 {
        0
    }

    fn add(&self, kept: &mut u64, _row: &R) {
        *kept += 1;
    }

    fn join(&self, kept: &mut u64, later: &u64) {
        *kept += later;
    }

    fn value(&self, kept: &u64) -> Json {
        (*kept).into()
    }

    fn write(&self, kept: &u64) -> Vec<u8> {
        kept.to_le_bytes().to_vec()
    }

    fn read(&self, bytes: &[u8]) -> Option<u64> {
        bytes.try_into().ok().map(u64::from_le_bytes)
    }
}

/// A count, and a number that was computed of so many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    count: u64,
    number: f64,
}

impl Counted {
    const NONE: Self = Self { count: 0, number: 0.0 };

    /// The count and the number, eight bytes each, little-endian.
    fn bytes(self) -> Vec<u8> {
        [self.count.to_le_bytes(), self.number.to_le_bytes()].concat()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (count, number) = bytes.split_first_chunk()?;
        Some(Self { count: u64::from_le_bytes(*count), number: f64::from_le_bytes(number.try_into().ok()?) })
    }

    fn take(&mut self, count: u64, number: f64, join: fn(f64, f64) -> f64) {
        if count > 0 {
            let joined = if self.count == 0 { number } else { join(self.number, number) };
            // Machines differ in the bits of what is no number, and those bits are a part of the state.
            self.number = if joined.is_nan() { f64::NAN } else { joined };
            self.count += count;
        }
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $join:expr, $value:expr;)*) => {
        $($(#[$doc])*
        ///
        /// Records without the number are passed over, and without any the value is null. It keeps a count and a number
        /// of eight bytes each, little-endian.
        #[derive(Debug, Clone, Copy)]
        pub struct $name<F>(pub F);

        impl<R, N: Into<Option<f64>>, F: Fn(&R) -> N> Aggregate<R> for $name<F> {
            type Kept = Counted;

            fn begin(&self) -> Counted {
                Counted::NONE
            }

            fn add(&self, kept: &mut Counted, row: &R) {
                if let Some(number) = self.0(row).into() {
                    kept.take(1, number, $join);
                }
            }

            fn join(&self, kept: &mut Counted, later: &Counted) {
                kept.take(later.count, later.number, $join);
            }

            fn value(&self, kept: &Counted) -> Json {
                let value: fn(&Counted) -> f64 = $value;
                if kept.count == 0 { Json::Null } else { value(kept).into() }
            }

            fn write(&self, kept: &Counted) -> Vec<u8> {
                kept.bytes()
            }

            fn read(&self, bytes: &[u8]) -> Option<Counted> {
                Counted::of_bytes(bytes)
            }
        })*
    };
}

numbers! {
    /// The sum of a number of each record, in their order.
    Sum: |sum, number| sum + number, |kept| kept.number;
    /// The mean of a number of each record.
    Mean: |sum, number| sum + number, |kept| kept.number / exact(kept.count);
    /// The least of a number of each record, and of equal ones the first.
    Min: |least, number| if number < least { number } else { least }, |kept| kept.number;
    /// The greatest of a number of each record, and of equal ones the first.
    Max: |greatest, number| if number > greatest { number } else { greatest }, |kept| kept.number;
}

/// Returns a count as a number, which is exact up to 2^53.
#[allow(clippy::cast_precision_loss, reason = "no window has 2^53 records")]
fn exact(count: u64) -> f64 {
    count as f64
}

/// A value of your own, which takes records one by one. It is kept as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Fold<T, A, J> {
    add: A,
    join: J,
    value: PhantomData<fn() -> T>,
}

impl<T, A, J> Fold<T, A, J> {
    /// Returns the aggregate that begins with the default, takes a record with `add`, and joins two with `join`, of
    /// which the second has the later records.
    pub fn new(add: A, join: J) -> Self {
        Self { add, join, value: PhantomData }
    }
}

impl<R, T, A, J> Aggregate<R> for Fold<T, A, J>
where
    T: Clone + Default + Serialize + DeserializeOwned,
    A: Fn(&mut T, &R),
    J: Fn(&mut T, &T),
{
    type Kept = T;

    fn begin(&self) -> T {
        T::default()
    }

    fn add(&self, kept: &mut T, row: &R) {
        (self.add)(kept, row);
    }

    fn join(&self, kept: &mut T, later: &T) {
        (self.join)(kept, later);
    }

    fn value(&self, kept: &T) -> Json {
        serde_json::to_value(kept).unwrap_or(Json::Null)
    }

    fn write(&self, kept: &T) -> Vec<u8> {
        serde_json::to_vec(kept).unwrap_or_default()
    }

    fn read(&self, bytes: &[u8]) -> Option<T> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept<A: Aggregate<f64>>(aggregate: &A, numbers: &[f64]) -> Vec<u8> {
        let mut kept = aggregate.begin();
        for number in numbers {
            aggregate.add(&mut kept, number);
        }
        aggregate.write(&kept)
    }

    #[test]
    fn bytes_are_the_same_on_every_machine() {
        let of = |number: &f64| *number;
        let nan = kept(&Sum(of), &[f64::INFINITY, -f64::INFINITY, 1.0]);
        assert_eq!(nan[8..], 0x7ff8_0000_0000_0000_u64.to_le_bytes());
        for zeros in [[0.0, -0.0], [-0.0, 0.0]] {
            assert_eq!(kept(&Min(of), &zeros)[8..], zeros[0].to_le_bytes());
            assert_eq!(kept(&Max(of), &zeros)[8..], zeros[0].to_le_bytes());
        }
    }
}
