//! Half a copy: a directory of which any files are missing opens exactly at a checkpoint, or is refused with what is
//! missing.

use alluvium_test_harness::partial::files_missing;
use alluvium_test_harness::tally::Budget;

#[test]
fn any_files_of_a_live_directory_may_be_missing() {
    files_missing(Budget::sample(60)).assert(1_800);
}
