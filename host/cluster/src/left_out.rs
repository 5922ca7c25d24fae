//! Records that are left out of the stream: those that cannot be read, and those that the operator refuses.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::ClusterError;
use crate::message::{Piece, Place};
use crate::operator::divide_fields;

/// A record that is left out, on its way to the commit. They are ordered as they stand in the inputs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BadRecord {
    pub(crate) input: u32,
    pub(crate) partition: u32,
    /// Its number among the records that the epoch has of the partition, counted from zero.
    pub(crate) number: u32,
    pub(crate) error: String,
    pub(crate) is_refused: bool,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) fields: Vec<Vec<u8>>,
}

/// A record that is left out of the stream, because it cannot be read or the operator refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The input.
    pub input: String,
    /// The partition.
    pub partition: String,
    /// The epoch that the record belongs to.
    pub epoch: u64,
    /// The number of the record among those that the epoch has of the partition, counted from one.
    pub number: u64,
    /// The number of the record in the partition, counted from one, if the source counts them, as files do.
    pub number_in_partition: Option<u64>,
    /// What is wrong with it.
    pub error: String,
    /// Whether it was the operator that refused it. Otherwise it could not be read.
    pub is_refused: bool,
    /// The names of its fields, if it has any.
    pub columns: Option<Vec<String>>,
    /// Its fields. A record without fields, or one that could not be divided, is one of them.
    pub fields: Vec<Vec<u8>>,
}

/// Makes the bytes of a record that is left out, for the sink of dead letters.
pub type DeadLetter = Arc<dyn Fn(&LeftOut) -> Vec<u8> + Send + Sync>;

/// Why an operator did not take records. None of them has left anything in the state.
#[doc(hidden)]
#[derive(Debug)]
pub enum Refusal {
    /// It refuses one record, given by its number in the epoch. Without a number, it is not known which.
    Record {
        /// The number.
        number: Option<u32>,
        /// What is wrong with it.
        what: String,
    },
    /// It failed.
    Failed(ClusterError),
}

impl<E: Into<ClusterError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Does `work` with records. Those that the operator refuses are added to `left_out`, and the work is done with those
/// around them. Without a list, a refusal is an error that names the record.
pub(crate) fn around(
    piece: Piece,
    left_out: &mut Option<Vec<BadRecord>>,
    mut work: impl FnMut(Piece) -> Result<(), Refusal>,
) -> Result<(), ClusterError> {
    // From the end.
    let mut waiting = vec![piece];
    while let Some(piece) = waiting.pop() {
        if piece.count() == 0 {
            continue;
        }
        let place = piece.place();
        // The work takes the records away. What is refused is divided.
        let kept = left_out.is_some().then(|| piece.clone());
        let (number, what) = match work(piece) {
            Ok(()) => continue,
            Err(Refusal::Failed(error)) => return Err(error),
            Err(Refusal::Record { number, what }) => (number, what),
        };
        let numbers = &place.numbers;
        let blamed = number.filter(|number| numbers.contains(number));
        let (Some(piece), Some(left_out)) = (kept, left_out.as_mut()) else {
            return Err(place.refused(blamed.unwrap_or(numbers[0]), &what));
        };
        // Without a record to blame, halves tell which it is.
        let at = blamed.unwrap_or(numbers[numbers.len() / 2]);
        let (before, rest) = piece.split_at(at);
        if blamed.is_none() && numbers.len() > 1 {
            waiting.extend([rest, before]);
            continue;
        }
        let (bad, after) = rest.split_at(at + 1);
        left_out.extend(bad.left_out(|_| (what.clone(), true)));
        waiting.extend([after, before]);
    }
    Ok(())
}

impl Piece {
    /// Divides it into the records whose numbers `is_one` is true of, and the others.
    pub(crate) fn partition(&self, is_one: impl Fn(u32) -> bool) -> (Self, Self) {
        let (mut ones, mut others) = (self.empty_like(), self.empty_like());
        for (number, lens, bytes) in self.records() {
            let to = if is_one(number) { &mut ones } else { &mut others };
            to.push(number, lens, bytes);
        }
        (ones, others)
    }

    /// Divides it before a number.
    fn split_at(&self, at: u32) -> (Self, Self) {
        self.partition(|number| number < at)
    }

    /// Returns its records as such that are left out, each with what `why` says of its number.
    pub(crate) fn left_out(&self, why: impl Fn(u32) -> (String, bool)) -> impl Iterator<Item = BadRecord> {
        self.records().map(move |(number, lens, bytes)| {
            let (error, is_refused) = why(number);
            let mut fields = Vec::new();
            divide_fields(&mut fields, lens, bytes);
            BadRecord {
                input: self.input,
                partition: self.partition,
                number,
                error,
                is_refused,
                columns: self.header.clone(),
                fields: fields.into_iter().map(<[u8]>::to_vec).collect(),
            }
        })
    }

    /// Returns where the records stand.
    pub(crate) fn place(&self) -> Place {
        Place { input: self.input, partition: self.partition, numbers: self.numbers.clone() }
    }
}

impl Place {
    /// Returns the error of a record that the operator refuses.
    fn refused(&self, number: u32, what: &str) -> ClusterError {
        let place = format!("input {}, partition {}, record {}", self.input, self.partition, number + 1);
        ClusterError::Operator(format!("{place} of the epoch: the operator refuses it: {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(words: &[&str]) -> Piece {
        let mut piece = Piece { width: 1, ..Piece::default() };
        let len = |word: &str| u32::try_from(word.len()).expect("a short word");
        (5..).zip(words).for_each(|(number, word)| piece.push(number, &[len(word)], word.as_bytes()));
        piece
    }

    /// Takes words without an x, all or nothing. It names the first one with an x, or says only that there is one.
    fn take(piece: &Piece, taken: &mut Vec<String>, blames: bool) -> Result<(), Refusal> {
        let words = piece.records().map(|(number, _, bytes)| (number, String::from_utf8_lossy(bytes).into_owned()));
        let words: Vec<(u32, String)> = words.collect();
        match words.iter().find(|(_, word)| word.contains('x')) {
            None => taken.extend(words.into_iter().map(|(_, word)| word)),
            Some((number, word)) => {
                return Err(Refusal::Record { number: blames.then_some(*number), what: format!("{word} has an x") });
            }
        }
        Ok(())
    }

    #[test]
    fn the_records_around_those_that_are_refused_are_taken_in_their_order() {
        for words in [&["x"][..], &["a"], &["ax", "b", "cx", "dx", "e"], &["a", "b", "c", "x"], &["x", "x"]] {
            for blames in [true, false] {
                let (mut taken, mut left_out) = (Vec::new(), Some(Vec::new()));
                around(piece(words), &mut left_out, |piece| take(&piece, &mut taken, blames)).expect("it works");
                let is_good = |word: &&&str| !word.contains('x');
                assert_eq!(taken, words.iter().filter(is_good).copied().collect::<Vec<_>>());
                let mut left_out = left_out.expect("the list");
                left_out.sort_unstable();
                let bad: Vec<(u32, String)> = (5..)
                    .zip(words)
                    .filter(|(_, word)| word.contains('x'))
                    .map(|(number, word)| (number, format!("{word} has an x")))
                    .collect();
                let told: Vec<(u32, String)> = left_out.iter().map(|bad| (bad.number, bad.error.clone())).collect();
                assert_eq!(told, bad, "{words:?}");
            }
        }
    }

    #[test]
    fn without_a_list_the_record_is_named() {
        let mut taken = Vec::new();
        let words = ["a", "b", "x"];
        let error =
            around(piece(&words), &mut None, |piece| take(&piece, &mut taken, true)).expect_err("it is refused");
        assert_eq!(
            error.to_string(),
            "input 0, partition 0, record 8 of the epoch: the operator refuses it: x has an x"
        );
        let failed = |_| Err(Refusal::Failed(ClusterError::Stopped));
        assert!(matches!(around(piece(&words), &mut Some(Vec::new()), failed), Err(ClusterError::Stopped)));
    }
}
