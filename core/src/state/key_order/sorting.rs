//! Sorting references by their keys, three bytes at a time. A comparison of two keys would have to read both.
//! Here a key is read once for every three bytes that it shares with another one.

use crate::model::work::count_keys_read;
use crate::state::arena::Arena;
use crate::state::key_order::head::{HEAD_BYTES, head_of, reference};

/// So few references are sorted by comparing the keys. The list of longer runs then stays short.
const FEW: usize = 64;

/// Sorts references to different keys whose heads begin `skipped` bytes behind the start of the keys.
pub(super) fn sort(references: &mut [u64], arena: &Arena, skipped: usize) {
    references.sort_unstable();
    // Runs with equal heads that must still be sorted, and how many bytes the keys of each have in common. It is
    // a list, because keys may be long and no stack is deep enough for all their bytes.
    let mut unsorted = Vec::new();
    sort_few(references, 0, arena, skipped + HEAD_BYTES, &mut unsorted);
    while let Some((start, end, common)) = unsorted.pop() {
        let run = &mut references[start..end];
        let common = common + common_bytes(run, arena, common);
        for held in &mut *run {
            *held = reference(&key(arena, *held)[common..], *held as u32);
        }
        run.sort_unstable();
        sort_few(run, start, arena, common + HEAD_BYTES, &mut unsorted);
    }
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
    unsorted: &mut Vec<(usize, usize, usize)>,
) {
    let mut at = start;
    for run in references.chunk_by_mut(|a, b| head_of(*a) == head_of(*b)) {
        if run.len() > FEW {
            unsorted.push((at, at + run.len(), common));
        } else if run.len() > 1 {
            run.sort_unstable_by(|a, b| key(arena, *a)[common..].cmp(&key(arena, *b)[common..]));
        }
        at += run.len();
    }
}

/// Returns how many bytes behind the first `skipped` ones all keys of a run have in common.
fn common_bytes(run: &[u64], arena: &Arena, skipped: usize) -> usize {
    let first = &key(arena, run[0])[skipped..];
    run[1..].iter().fold(first.len(), |common, other| {
        let rest = &key(arena, *other)[skipped..];
        if rest.get(..common) == first.get(..common) {
            return common;
        }
        first.iter().zip(rest).take_while(|(a, b)| a == b).count()
    })
}
