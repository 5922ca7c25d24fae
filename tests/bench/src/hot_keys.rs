//! The longest put of a stream that changes few keys. The changelog outgrows the state then and is compacted.

use anyhow::Result;

use crate::measure::{median, timed};
use crate::report::Report;
use crate::state::manager;

/// How many keys change.
const KEYS: u64 = 1_000;
/// How many puts a round has. The changelog is compacted several times meanwhile.
const PUTS: u64 = 3_000_000;
/// The bytes of a value.
const VALUE_BYTES: usize = 100;

/// Measures the longest put. All rounds do the same, so a put counts with the shortest of its times: what the
/// machine did meanwhile for others is not in all of them.
pub fn run(rounds: usize, report: &mut Report) -> Result<()> {
    let mut shortest = vec![f32::MAX; PUTS as usize];
    let mut means = Vec::new();
    for _ in 0..rounds {
        let mut manager = manager();
        let mut value = [0; VALUE_BYTES];
        let mut total = 0.0;
        for (n, shortest) in (0u64..).zip(&mut shortest) {
            value[..8].copy_from_slice(&n.to_le_bytes());
            let key = (n.wrapping_mul(7_919) % KEYS).to_le_bytes();
            let (elapsed_us, put) = timed(|| manager.put(&key, &value));
            put?;
            *shortest = shortest.min(elapsed_us as f32);
            total += elapsed_us;
        }
        means.push(total / PUTS as f64 * 1e3);
    }
    let longest = shortest.iter().copied().fold(0.0, f32::max);
    let of = format!("the longest of {PUTS} puts to {KEYS} keys, each the shortest of {rounds} rounds");
    report.goal("longest_put_hot_keys_us", f64::from(longest), "<= 1000", "us", &of)?;
    report.figure("mean_put_hot_keys_ns", median(&means), "ns", "of the same puts, with the clock's calls")
}
