//! How often a plugin's directory may be written to.

use crate::error::RuntimeError;
use crate::limits::Limit;

/// At most so many checkpoints and syncs a second, on average; as many at once after a pause.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_second: u32,
    /// Millionths of a checkpoint that may be taken now.
    saved_us: u64,
    last_us: u64,
}

impl RateLimit {
    pub(crate) fn new(per_second: u32, now_us: u64) -> Self {
        Self { per_second, saved_us: u64::from(per_second).saturating_mul(1_000_000), last_us: now_us }
    }

    pub(crate) fn take(&mut self, now_us: u64) -> Result<(), RuntimeError> {
        let max = u64::from(self.per_second).saturating_mul(1_000_000);
        let earned = now_us.saturating_sub(self.last_us).saturating_mul(u64::from(self.per_second));
        self.saved_us = self.saved_us.saturating_add(earned).min(max);
        self.last_us = now_us;
        match self.saved_us.checked_sub(1_000_000) {
            Some(rest) => {
                self.saved_us = rest;
                Ok(())
            }
            None => Err(RuntimeError::Limit {
                who: "the plugin",
                limit: Limit::CheckpointRate,
                why: format!("more than {} checkpoints and syncs a second", self.per_second),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_saves_up_a_second_and_no_more() {
        let mut limit = RateLimit::new(10, 0);
        let mut taken = |now_us| (0..99).take_while(|_| limit.take(now_us).is_ok()).count();
        assert_eq!([0, 0, 99_999, 100_000, 350_000, 60_000_000].map(&mut taken), [10, 0, 0, 1, 2, 10]);
        assert!(matches!(RateLimit::new(0, 0).take(9), Err(RuntimeError::Limit { limit: Limit::CheckpointRate, .. })));
    }
}
