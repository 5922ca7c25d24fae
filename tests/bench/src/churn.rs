//! Memory of a state that grows, shrinks and is rewritten with values of changing sizes: what it
//! holds from the allocator for each byte of payload. Counted, not timed: the same on every machine.

use alluvium_core::State;
use anyhow::{Result, ensure};

use crate::report::Report;
use crate::workload::key;

/// The keys that come and go.
const KEYS: u32 = 300_000;
/// Less payload than this is not held to the goal.
const COUNTS_FROM_BYTES: u64 = 64 << 20;
/// Operations between two looks at the books.
const LOOK_EVERY: u64 = 1_000;
/// The most that may be held for each byte of payload.
pub const GOAL: f64 = 1.6;

/// What was found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Churn {
    /// The most that was ever held for each byte of payload.
    pub worst: f64,
    /// How many of the looks found enough payload to count.
    pub looks: u64,
    /// The least and the most payload, in bytes, among them.
    pub payload: (u64, u64),
    /// What is held when every key has been deleted, in bytes.
    pub left: u64,
}

/// Does so many operations.
///
/// Twenty seasons: for four fifths of each, keys come and are rewritten at random with values of
/// random size, whose typical size is another in every season; in the last fifth most are deleted.
pub fn churn(operations: u64) -> Result<Churn> {
    let mut random = fastrand::Rng::with_seed(20);
    let mut state = State::new();
    let filler = vec![0x5a; 2_048];
    let mut found = Churn { payload: (u64::MAX, 0), ..Churn::default() };
    let season = (operations / 20).max(1);
    for operation in 0..operations {
        let (number, moment) = (operation / season, operation % season);
        // From small to large values and back.
        let typical = 200 + [0, 150, 300, 450, 600, 450, 300, 150][(number % 8) as usize];
        let is_shrinking = moment > season * 4 / 5;
        if is_shrinking && random.u8(..) < 224 {
            state.delete(&key(random.u32(..KEYS)));
        } else {
            state.put(&key(random.u32(..KEYS)), &filler[..random.usize(typical / 2..typical * 3 / 2)])?;
        }
        let payload = state.payload_bytes();
        if operation % LOOK_EVERY == 0 && payload >= COUNTS_FROM_BYTES {
            found.looks += 1;
            found.payload = (found.payload.0.min(payload), found.payload.1.max(payload));
            found.worst = found.worst.max(state.allocated_bytes() as f64 / payload as f64);
        }
    }
    for number in 0..KEYS {
        state.delete(&key(number));
    }
    ensure!(state.is_empty() && state.digest() == 0, "deleting every key left {}", state.len());
    ensure!(found.looks > 0, "{operations} operations never held {COUNTS_FROM_BYTES} bytes");
    found.left = state.allocated_bytes();
    Ok(found)
}

/// Measures the row.
pub fn run(operations: u64, report: &mut Report) -> Result<()> {
    let found = churn(operations)?;
    let against = format!(
        "bytes held for {} to {} MiB of payload, at most, over {operations} operations; {} KiB when all is deleted",
        found.payload.0 >> 20,
        found.payload.1 >> 20,
        found.left >> 10
    );
    report.goal("churn_vs_payload", found.worst, &format!("<= {GOAL}"), "x", &against)
}
