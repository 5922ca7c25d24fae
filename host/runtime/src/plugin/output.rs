//! What a plugin emitted over many calls, held to its budgets.

use crate::error::RuntimeError;
use crate::limits::{Limit, Limits};

/// Bytes that a plugin emitted.
#[derive(Debug, Default)]
pub(super) struct OutputCount {
    since_checkpoint: u64,
    total: u64,
}

impl OutputCount {
    /// Adds what one call emitted.
    pub(super) fn count(&mut self, bytes: u64, limits: &Limits) -> Result<(), RuntimeError> {
        self.since_checkpoint = self.since_checkpoint.saturating_add(bytes);
        self.total = self.total.saturating_add(bytes);
        for (has, may, since) in [
            (self.since_checkpoint, limits.checkpoint_output_bytes, "since the last checkpoint"),
            (self.total, limits.total_output_bytes, "in all"),
        ] {
            if has > may {
                let why = format!("it emitted more than {may} bytes {since}");
                return Err(RuntimeError::Limit { who: "the plugin", limit: Limit::Output, why });
            }
        }
        Ok(())
    }

    /// Begins again: a checkpoint was taken, or what came after it is dropped.
    pub(super) fn at_checkpoint(&mut self) {
        self.since_checkpoint = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_budgets_hold_to_the_byte() {
        let limits = Limits { checkpoint_output_bytes: 10, total_output_bytes: 15, ..Limits::default() };
        let mut count = OutputCount::default();
        count.count(10, &limits).expect("it fits");
        assert!(count.count(1, &limits).expect_err("one too many").to_string().contains("10 bytes since the last"));
        count.at_checkpoint();
        count.count(4, &limits).expect("it fits");
        assert!(count.count(1, &limits).expect_err("one too many").to_string().contains("15 bytes in all"));
    }
}
