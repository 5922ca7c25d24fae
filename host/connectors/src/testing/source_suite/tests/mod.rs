//! The suite over the source in memory, and over sources with one fault each.

mod faulty;

use faulty::{Fault, Faulty};

use super::source_suite;
use crate::testing::Report;

fn report(fault: Fault, ends: bool) -> Report {
    source_suite(&mut Faulty::new(fault, ends))
}

#[test]
fn the_source_in_memory_passes_all_checks() {
    for ends in [false, true] {
        let report = report(Fault::None, ends);
        assert_eq!(report.assert(), 19, "{report:?}");
        assert_eq!(report.left_out.len(), 3);
    }
}

/// The suite is worth something only if it finds faults.
#[test]
fn each_fault_fails_a_check_that_names_it() {
    for (fault, ends, check) in [
        (Fault::SeekIgnored, true, "reading_continues_at_every_position"),
        (Fault::SeekMovesOthers, true, "one_reader_does_not_move_another"),
        (Fault::PositionLagsBehind, true, "reading_continues_at_every_position"),
        (Fault::PositionCountsBatches, true, "a_position_does_not_depend_on_the_batches"),
        (Fault::PositionAfterTheSeekOnly, true, "a_position_holds_at_once"),
        (Fault::ForeignPositionAccepted, true, "a_position_of_nothing_is_refused"),
        (Fault::PastTheEndAccepted, true, "a_position_past_the_end_is_an_error"),
        (Fault::BatchOverfilled, true, "batches_never_have_more_than_their_room"),
        (Fault::BatchEmptiedFirst, true, "records_are_added_to_those_before"),
        (Fault::EndComesEarly, true, "records_come_once_in_order"),
        (Fault::EndIsForgotten, true, "the_end_stays_the_end"),
        (Fault::NothingTooEarly, false, "nothing_comes_before_the_deadline"),
        (Fault::WaitsForAFullBatch, false, "a_record_that_comes_is_not_waited_for_longer"),
        (Fault::DeadlineIgnored, false, "nothing_comes_before_the_deadline"),
        (Fault::PartitionsMixed, true, "partitions_are_apart"),
        (Fault::PartitionsReordered, true, "identity_and_partitions_stay_the_same"),
        (Fault::SchemaMissing, true, "the_schema_is_known_with_the_first_record"),
        (Fault::SchemasMixed, false, "a_batch_has_records_of_one_schema"),
        (Fault::LongRecordsCut, true, "long_records_come_whole"),
        (Fault::ErrorsWithoutName, true, "a_position_of_nothing_is_refused"),
    ] {
        let failed = report(fault, ends).failed;
        assert!(failed.iter().any(|(name, _)| *name == check), "{fault:?} passed {check}; it failed {failed:?}");
    }
}
