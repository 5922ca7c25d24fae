//! One module for each family of scenarios of the catalogue of faults.

use alluvium_test_harness::backups::backups;
use alluvium_test_harness::cancelled;
use alluvium_test_harness::partial;
use alluvium_test_harness::tally::{Budget, Tally};

pub mod crash;
pub mod damage;
pub mod decode;
pub mod dropped;
pub mod errors;
pub mod hostile;
pub mod injected;
pub mod interleaved;
pub mod kill;
pub mod limits;
pub mod many_names;
pub mod model;
pub mod native;
pub mod retention;
pub mod schedules;
pub mod sealed;
pub mod space;
pub mod sparse;
pub mod unknown_files;
pub mod writers;

/// A test of the catalogue in its long form.
pub struct Test {
    /// The scenario.
    pub scenario: u8,
    /// Whether it continues for as long as its budget allows.
    pub is_endless: bool,
    /// Whether its cases, or their order, follow from the seed.
    pub has_seed: bool,
    /// Its share of the time, beside those of the others.
    pub share: u32,
    /// Runs it.
    pub run: fn(Budget) -> Tally,
}

/// Every test, in the order of its scenario.
pub fn all() -> Vec<Test> {
    let test = |scenario, is_endless, run| Test { scenario, is_endless, has_seed: true, share: 1, run };
    // The same few cases each time.
    let fixed = |scenario, run| Test { scenario, is_endless: false, has_seed: false, share: 1, run };
    // States of crashes are the most, and lives of a process the slowest.
    let long = |scenario, share, run| Test { scenario, is_endless: true, has_seed: true, share, run };
    vec![
        long(1, 36, crash::every_call_of_every_workload),
        long(1, 8, native::power_fails_after_every_system_call),
        fixed(1, native::certified),
        test(2, true, crash::recovery_crashes_twice),
        test(3, false, errors::every_call_fails),
        test(3, false, native::every_system_call_fails),
        test(3, true, injected::every_refused_call_of_the_command),
        test(4, true, model::seeds),
        test(5, false, damage::flips),
        test(6, false, damage::cuts_and_swaps),
        test(7, false, unknown_files::unknown_files),
        test(8, true, retention::nothing_kept_is_deleted),
        test(9, false, writers::the_stale_writer_resumes),
        test(9, false, interleaved::taken_over_at_every_call),
        test(9, false, schedules::every_order_of_two_writers),
        test(10, false, limits::clocks),
        fixed(11, limits::maxima),
        test(12, false, hostile::hostile_metadata),
        fixed(12, hostile::hostile_ranges),
        test(13, false, hostile::odd_files),
        long(14, 6, kill::killed_at_random_moments),
        test(15, false, space::a_full_disk),
        fixed(18, decode::corpus),
        test(18, true, decode::every_decoder),
        test(20, true, partial::files_missing),
        test(21, false, sparse::sparse_files),
        test(21, false, many_names::many_names),
        test(24, true, dropped::dropped_at_every_await),
        test(24, false, cancelled::every_await_of_every_operation),
        long(27, 4, backups),
    ]
}
