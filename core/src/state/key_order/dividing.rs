//! Sorting many numbers in steps after each of which the work may be stopped.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::stop::Steps;

/// So many numbers are sorted in one step.
const AT_ONCE: usize = 16_384;

/// Sorts different numbers. More than [`AT_ONCE`] are divided by their highest byte first, in place, and so on.
/// After an error they are all there, in no order.
pub(super) fn sort_numbers(numbers: &mut [u64], steps: &mut Steps<'_>) -> Result<(), Error> {
    let mut unsorted = vec![(0, numbers.len(), u64::BITS - 8)];
    while let Some((start, end, shift)) = unsorted.pop() {
        let part = &mut numbers[start..end];
        if part.len() <= AT_ONCE {
            steps.take(part.len())?;
            part.sort_unstable();
            continue;
        }
        let mut at = start;
        for len in divide(part, shift, steps)? {
            // Numbers that are equal up to their last byte are one number.
            if let Some(next) = shift.checked_sub(8)
                && len > 1
            {
                unsorted.push((at, at + len, next));
            }
            at += len;
        }
    }
    Ok(())
}

/// Brings numbers in the order of one byte, by swapping each to its part. Returns the length of each part.
pub(super) fn divide(numbers: &mut [u64], shift: u32, steps: &mut Steps<'_>) -> Result<[usize; 256], Error> {
    let byte = |number: u64| usize::from((number >> shift) as u8);
    let mut lens = [0; 256];
    for number in &*numbers {
        steps.take(1)?;
        lens[byte(*number)] += 1;
    }
    // Where the next number of each part goes, and where the part ends.
    let (mut next, mut end) = ([0; 256], [0; 256]);
    let mut at = 0;
    for (part, len) in lens.iter().enumerate() {
        next[part] = at;
        at += len;
        end[part] = at;
    }
    for part in 0..lens.len() {
        while next[part] < end[part] {
            steps.take(1)?;
            let own = byte(numbers[next[part]]);
            numbers.swap(next[part], next[own]);
            next[own] += 1;
        }
    }
    Ok(lens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hash::key_hash;

    #[track_caller]
    fn check(number: impl Fn(u64) -> u64) {
        let mut numbers: Vec<u64> = (0..100_000).map(number).collect();
        let mut expected = numbers.clone();
        expected.sort_unstable();
        sort_numbers(&mut numbers, &mut Steps::new(None)).expect("nothing stops it");
        assert!(numbers == expected);
    }

    #[test]
    fn many_numbers_come_in_order() {
        check(|n| key_hash(&n.to_le_bytes()));
        check(|n| n);
        check(|n| 200_000 - n);
        check(|n| (7 << 56) | (n << 20));
        check(|n| ((n % 3) << 60) | n);
    }
}
