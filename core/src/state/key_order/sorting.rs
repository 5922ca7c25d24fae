//! Sorting references by their keys, three bytes at a time. A comparison of two keys would have to read both.
//! Here a key is read once for every three bytes that it shares with another one.

use std::cell::Cell;

use crate::error::IncrementalCheckpointError as Error;
use crate::model::stop::{BYTES, Steps};
use crate::model::work::count_keys_read;
use crate::state::arena::Arena;
use crate::state::key_order::dividing::sort_numbers;
use crate::state::key_order::head::{HEAD_BYTES, head_of, reference};

/// So few references are sorted by comparing the keys. The list of longer runs then stays short.
const FEW: usize = 64;

/// Runs that must still be sorted: where each begins and ends, and how many bytes its keys have in common. It is a
/// list, because keys may be long and no stack is deep enough for all their bytes.
type Unsorted = Vec<(usize, usize, usize)>;

/// Sorts references to different keys whose heads begin `skipped` bytes behind the start of the keys. After an
/// error, they are in no order and must not be used.
pub(super) fn sort(references: &mut [u64], arena: &Arena, skipped: usize, steps: &mut Steps<'_>) -> Result<(), Error> {
    sort_numbers(references, steps)?;
    let mut unsorted = Unsorted::new();
    sort_few(references, 0, arena, skipped + HEAD_BYTES, &mut unsorted, steps)?;
    while let Some((start, end, common)) = unsorted.pop() {
        let run = &mut references[start..end];
        let common = begin_behind_common(run, arena, common, steps)?;
        sort_numbers(run, steps)?;
        sort_few(run, start, arena, common + HEAD_BYTES, &mut unsorted, steps)?;
    }
    Ok(())
}

/// Makes the heads begin behind the bytes that all keys have in common, of which the first `skipped` are known. Returns how
/// many these are.
pub(super) fn begin_behind_common(
    references: &mut [u64],
    arena: &Arena,
    skipped: usize,
    steps: &mut Steps<'_>,
) -> Result<usize, Error> {
    let common = skipped + common_bytes(references, arena, skipped, steps)?;
    for held in references {
        steps.take(1)?;
        *held = reference(&key(arena, *held)[common..], *held as u32);
    }
    Ok(common)
}

fn key(arena: &Arena, reference: u64) -> &[u8] {
    count_keys_read(1);
    arena.key(reference as u32)
}

/// Sorts the short ones among the runs of equal heads, and notes the others. `start` is the place of the first
/// reference. The keys of a run have `common` bytes in common.
fn sort_few(
    references: &mut [u64],
    start: usize,
    arena: &Arena,
    common: usize,
    unsorted: &mut Unsorted,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let mut at = start;
    for run in references.chunk_by_mut(|a, b| head_of(*a) == head_of(*b)) {
        let compared = Cell::new(0);
        if run.len() > FEW {
            unsorted.push((at, at + run.len(), common));
        } else if run.len() > 1 {
            run.sort_unstable_by(|a, b| {
                let (a, b) = (&key(arena, *a)[common..], &key(arena, *b)[common..]);
                compared.set(compared.get() + a.len().min(b.len()));
                a.cmp(b)
            });
        }
        at += run.len();
        steps.take(run.len() + compared.get() / BYTES)?;
    }
    Ok(())
}

/// Returns how many bytes behind the first `skipped` ones all keys of a run have in common.
fn common_bytes(run: &[u64], arena: &Arena, skipped: usize, steps: &mut Steps<'_>) -> Result<usize, Error> {
    let first = &key(arena, run[0])[skipped..];
    let mut common = first.len();
    for other in &run[1..] {
        steps.take(1 + common / BYTES)?;
        let rest = &key(arena, *other)[skipped..];
        if rest.get(..common) != first.get(..common) {
            common = first.iter().zip(rest).take_while(|(a, b)| a == b).count();
        }
    }
    Ok(common)
}
