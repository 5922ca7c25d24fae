//! The suite that every [`Sink`](crate::sink::Sink) must pass.

mod crashes;
mod promising;
mod publishing;
mod recovering;
mod support;

#[cfg(test)]
mod tests;

use crate::sink::{Guarantee, Sink};
use crate::testing::report::{Report, checks};

/// Makes the sinks that the suite writes to, and looks at what they show.
///
/// A record of the suite is a text without line breaks.
pub trait SinkFixture {
    /// Returns a sink over a target, before its recovery. A new name is an empty target. A name that was
    /// used before is the same target; the sink before was dropped, as by a crash.
    fn open(&mut self, target: &str) -> Box<dyn Sink>;

    /// Returns the records that are visible outside, in order.
    fn visible(&mut self, target: &str) -> Vec<String>;
}

/// Runs every check, and returns the report. Most checks of crashes are left out for a sink whose guarantee
/// is not [`ExactlyOnce`](Guarantee::ExactlyOnce). The check of what it promises instead is run for every sink.
/// A sink that shows records before their commit has empty tokens, and the checks that it hides them are left
/// out.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use alluvium_connectors::sink::{MemoryTarget, Sink};
/// use alluvium_connectors::testing::{SinkFixture, sink_suite};
///
/// #[derive(Default)]
/// struct Fixture(BTreeMap<String, MemoryTarget>);
///
/// impl SinkFixture for Fixture {
///     fn open(&mut self, target: &str) -> Box<dyn Sink> {
///         Box::new(self.0.entry(target.to_owned()).or_default().sink())
///     }
///     fn visible(&mut self, target: &str) -> Vec<String> {
///         let records = self.0[target].visible();
///         records.into_iter().map(|record| String::from_utf8(record).unwrap()).collect()
///     }
/// }
///
/// sink_suite(&mut Fixture::default()).assert();
/// ```
pub fn sink_suite(fixture: &mut dyn SinkFixture) -> Report {
    run(fixture)
}

fn hides(fixture: &mut dyn SinkFixture) -> bool {
    survives_crashes(fixture) || support::has_tokens(fixture, "tokens")
}

fn survives_crashes(fixture: &mut dyn SinkFixture) -> bool {
    fixture.open("guarantee").guarantee() == Guarantee::ExactlyOnce
}

checks! {
    SinkFixture, run:
    promising {
        a_run_with_crashes_shows_what_is_promised,
    }
    #[hides]
    publishing {
        nothing_is_visible_before_it_is_published,
        publishing_again_changes_nothing,
        what_is_written_after_the_token_waits,
        a_token_stands_for_those_before_it,
        tokens_may_be_left_out,
        an_epoch_may_be_empty,
        an_abort_drops_what_was_not_published,
        published_bytes_only_grow_by_publishing,
    }
    publishing {
        records_are_visible_once_in_order,
        a_foreign_token_is_refused,
    }
    #[survives_crashes]
    publishing {
        tokens_are_short_and_depend_only_on_the_records,
    }
    #[survives_crashes]
    crashes {
        what_was_written_is_forgotten,
        what_was_prepared_without_a_commit_is_forgotten,
        what_was_committed_is_published_by_recovery,
        what_was_published_is_not_published_again,
        of_two_epochs_only_the_committed_one_is_recovered,
        a_commit_without_its_predecessor_published_recovers_both,
    }
    #[survives_crashes]
    recovering {
        recovering_again_changes_nothing,
        recovery_goes_on_after_a_crash_within_it,
        an_older_checkpoint_takes_back_or_is_refused,
        a_refused_token_changes_nothing,
        a_run_with_crashes_shows_what_a_run_without_shows,
    }
}
