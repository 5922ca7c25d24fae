//! The check of what a sink promises about a crash, for each guarantee.

use super::SinkFixture;
use super::support::{Run, STEPS, records};
use crate::sink::Guarantee;
use crate::testing::report::Outcome;

pub(super) fn a_run_with_crashes_shows_what_is_promised(fixture: &mut dyn SinkFixture, target: &str) -> Outcome {
    let epochs: Vec<Vec<String>> = (0..3).map(|number| records(&format!("epoch{number}-"), number + 1)).collect();
    let guarantee = fixture.open(target).guarantee();
    for moment in 0..STEPS * epochs.len() {
        let target = &format!("{target}-{moment}");
        Run::dying_at(&epochs, &[moment]).finish(fixture, target)?;
        let visible = fixture.visible(target);
        for record in epochs.iter().flatten() {
            let count = visible.iter().filter(|visible| *visible == record).count();
            let is_kept = match guarantee {
                Guarantee::ExactlyOnce => count == 1,
                Guarantee::AtLeastOnce => count >= 1,
                Guarantee::AtMostOnce => count <= 1,
            };
            if !is_kept {
                let what = format!("{record} of a committed checkpoint is visible {count} times");
                return Err(format!("after a death at the moment {moment}: {what}, and the sink says {guarantee:?}"));
            }
        }
    }
    Ok(())
}
