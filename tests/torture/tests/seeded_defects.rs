//! Scenario 19: twelve defects, seeded one at a time, each caught by a named test of the catalogue. A test
//! that cannot fail tests nothing.
//!
//! `cargo test -p alluvium-torture --features seeded-defects --test seeded_defects`

use alluvium_core::seeded_defects::{ALL, Defect, seed};
use alluvium_test_harness::partial::files_missing;
use alluvium_test_harness::tally::{Budget, Tally};
use alluvium_torture::scenarios::{crash, damage, dropped, errors, hostile, native, retention, writers};

/// The test that catches a defect, with the sample that suffices for it.
#[allow(clippy::match_same_arms, reason = "one line a defect, in the order of the list")]
fn catcher(defect: Defect) -> (&'static str, fn() -> Tally) {
    match defect {
        Defect::SkipFileSync => ("scenario_1_power_failure_after_every_system_call", power_failure),
        Defect::SkipDirectorySync => ("scenario_1_power_failure_after_every_system_call", power_failure),
        Defect::PublishFirst => ("scenario_1_crash_at_every_call", crashes),
        Defect::IgnoreChecksum => ("scenario_5_every_bit_flipped", || damage::flips(Budget::sample(400))),
        Defect::TrustLength => ("scenario_12_hostile_ranges", || hostile::hostile_ranges(Budget::sample(1_000))),
        Defect::SwallowError => ("scenario_3_every_call_fails", || errors::every_call_fails(Budget::sample(8))),
        Defect::DeleteEarly => {
            ("scenario_8_retention_with_crashes", || retention::nothing_kept_is_deleted(Budget::sample(600)))
        }
        Defect::SkipFence => ("scenario_9_two_writers", || writers::the_stale_writer_resumes(Budget::sample(1_000))),
        Defect::AcceptTornTail => ("scenario_6_files_cut_and_swapped", || damage::cuts_and_swaps(Budget::sample(1))),
        Defect::MixEpochs => ("scenario_1_crash_at_every_call", crashes),
        Defect::ReuseId => ("scenario_20_files_missing", || files_missing(Budget::sample(20))),
        Defect::LoseDropped => {
            ("scenario_24_dropped_in_random_histories", || dropped::dropped_at_every_await(Budget::sample(30)))
        }
    }
}

fn power_failure() -> Tally {
    native::power_fails_after_every_system_call(Budget::sample(2))
}

fn crashes() -> Tally {
    crash::every_call_of_every_workload(Budget::sample(20))
}

#[test]
fn scenario_19_twelve_of_twelve_are_caught() {
    let mut caught = 0;
    for defect in ALL {
        let (test, run) = catcher(defect);
        let sound = run();
        assert_eq!(sound.violated, 0, "{test} fails without any defect: {:?}", sound.violations);
        assert!(sound.skipped.is_none(), "{test} was skipped: {:?}", sound.skipped);
        seed(Some(defect));
        let tally = run();
        seed(None);
        let first = tally.violations.first().map_or("", |what| what.lines().next().unwrap_or(""));
        println!("{defect:?}: {test}: {} of {} tried: {first:.150}", tally.violated, tally.tried);
        caught += u64::from(tally.violated > 0);
    }
    let mut tally = Tally::new(19, "seeded defects, each caught by its test", "defects");
    (tally.tried, tally.violated) = (ALL.len() as u64, ALL.len() as u64 - caught);
    println!("scenario 19  seeded defects: {caught} of {} caught", ALL.len());
    tally.report(1);
    assert_eq!(caught, 12);
}
