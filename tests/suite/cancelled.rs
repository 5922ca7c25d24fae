//! Operations whose futures are dropped, by a timeout for example.

use alluvium_test_harness::cancelled::{PAIRS, every_await_of_every_operation};
use alluvium_test_harness::tally::Budget;

#[test]
fn a_future_may_be_dropped_at_any_await() {
    every_await_of_every_operation(Budget::sample(PAIRS)).assert(2_000);
}
