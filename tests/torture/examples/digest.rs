//! What the digest of the state costs a put, measured apart: the hashes that only the digest needs,
//! over the same records, against the whole put with its log.
//!
//!     cargo run --release -p alluvium-torture --example digest

use std::hint::black_box;
use std::time::Instant;

use alluvium_core::model::hash::{entry_digest, key_hash, value_hash};
use alluvium_test_harness::{empty, keep, open_with, options};

const KEYS: u32 = 1_000_000;
const ROUNDS: usize = 5;

/// Nanoseconds for each of `KEYS`.
fn timed(mut each: impl FnMut(usize)) -> f64 {
    let started = Instant::now();
    for at in 0..KEYS as usize {
        each(at);
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(KEYS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut keys: Vec<[u8; 16]> = (0..KEYS).map(|_| random.u128(..).to_le_bytes()).collect();
    let values: Vec<[u8; 100]> = (0..KEYS).map(|_| std::array::from_fn(|_| random.u8(..))).collect();
    let hashes: Vec<(u64, u32)> =
        keys.iter().zip(&values).map(|(key, value)| (key_hash(key), value_hash(value))).collect();
    let (mut put, mut update, mut new, mut changed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let directory = empty();
        let mut manager = open_with(&directory, keep(1), options()).expect("an empty directory opens");
        put.push(timed(|at| manager.put(&keys[at], &values[at]).expect("room")));
        // In another order than they came, as updates do.
        random.shuffle(&mut keys);
        update.push(timed(|at| manager.put(&keys[at], &values[at]).expect("room")));
        let mut digest = 0_u64;
        // A new entry: the hash of its value, and its share.
        new.push(timed(|at| digest = digest.wrapping_add(entry_digest(hashes[at].0, value_hash(&values[at])))));
        // A changed one: the share of the old value, whose hash is kept beside it, goes too.
        changed.push(timed(|at| {
            let (key, old) = hashes[at];
            let new = entry_digest(key, value_hash(&values[at]));
            digest = digest.wrapping_add(new).wrapping_sub(entry_digest(key, old));
        }));
        black_box(digest);
    }
    println!("{KEYS} keys of 16 bytes, values of 100, median of {ROUNDS} rounds");
    for (what, whole, part) in [("new key", put, new), ("known key", update, changed)] {
        let (whole, part) = (median(whole), median(part));
        println!("{what:<10} put {whole:6.1} ns, digest alone {part:5.1} ns: {:.1} %", part / whole * 100.0);
    }
}
