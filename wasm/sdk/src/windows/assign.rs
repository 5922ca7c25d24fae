//! Which windows a time is in.

use super::Window;
use crate::time::Time;

/// How windows lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assign {
    /// One of a length begins after each step.
    Steps { length_ms: i64, step_ms: i64 },
    /// They end when nothing has come for a gap, and those that touch are one.
    Gap { gap_ms: i64 },
}

impl Assign {
    /// Returns the windows of a time, the earliest first. That of a session is the session of this time alone.
    pub(super) fn windows(self, time: Time) -> impl Iterator<Item = Window> {
        let at = time.as_ms();
        let (first, length_ms, step_ms, count) = match self {
            Self::Gap { gap_ms } => (at, gap_ms, gap_ms, 1),
            Self::Steps { length_ms, step_ms } => {
                let last = at.saturating_sub(at.rem_euclid(step_ms));
                // How many begin at the last step before the time, or at one before that, and still have it.
                let count = (length_ms - 1 - (at - last)).div_euclid(step_ms).saturating_add(1);
                (last.saturating_sub(step_ms.saturating_mul(count - 1)), length_ms, step_ms, count)
            }
        };
        (0..count).map(move |number| {
            let from = first.saturating_add(step_ms.saturating_mul(number));
            Window { from: Time::from_ms(from), to: Time::from_ms(from.saturating_add(length_ms)) }
        })
    }

    /// Whether windows that touch are one.
    pub(super) fn joins(self) -> bool {
        matches!(self, Self::Gap { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(assign: Assign, at: i64) -> Vec<(i64, i64)> {
        assign.windows(Time::from_ms(at)).map(|window| (window.from.as_ms(), window.to.as_ms())).collect()
    }

    #[test]
    fn windows_have_their_times() {
        let tumbling = Assign::Steps { length_ms: 10, step_ms: 10 };
        for (at, window) in [(0, (0, 10)), (9, (0, 10)), (10, (10, 20)), (-1, (-10, 0)), (-10, (-10, 0))] {
            assert_eq!(windows(tumbling, at), [window]);
        }
        let sliding = Assign::Steps { length_ms: 10, step_ms: 4 };
        assert_eq!(windows(sliding, 8), [(0, 10), (4, 14), (8, 18)]);
        assert_eq!(windows(sliding, 10), [(4, 14), (8, 18)]);
        assert_eq!(windows(Assign::Gap { gap_ms: 5 }, 3), [(3, 8)]);
    }

    #[test]
    fn a_step_that_is_longer_leaves_times_without_a_window() {
        let assign = Assign::Steps { length_ms: 3, step_ms: 10 };
        assert_eq!(windows(assign, 2), [(0, 3)]);
        assert_eq!(windows(assign, 3), []);
    }
}
