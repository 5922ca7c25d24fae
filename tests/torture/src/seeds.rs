//! Every test with one seed after the other.

use alluvium_test_harness::tally::{Budget, Tally};

use crate::scenarios::Test;

/// Runs the tests with as many seeds as `seeds` says, from the budget's seed on. Each seed has an equal part of the
/// time. Calls `told` with a test's tally as soon as its last seed had its turn. Returns all tallies.
///
/// A test that has no seed tries the same cases each time, so it has one turn.
pub fn run_seeds(tests: &[Test], whole: &Budget, seeds: u32, mut told: impl FnMut(&Tally)) -> Vec<Tally> {
    let mut tallies: Vec<Option<Tally>> = tests.iter().map(|_| None).collect();
    for done in 0..seeds {
        let budget = Budget { seed: whole.seed.wrapping_add(done.into()), ..whole.part(1, seeds - done) };
        let has_turn = |test: &Test| done == 0 || test.has_seed;
        let mut shares: u32 = tests.iter().filter(|test| has_turn(test)).map(|test| test.share).sum();
        for (test, tally) in tests.iter().zip(&mut tallies).filter(|(test, _)| has_turn(test)) {
            let part = budget.part(test.share, shares);
            shares -= test.share;
            let new = (test.run)(part);
            let sum = tally.get_or_insert_with(|| Tally::new(new.scenario, new.test, new.unit));
            sum.add_seed(budget.seed, new);
            if done + 1 == seeds || !test.has_seed {
                told(sum);
            }
        }
    }
    tallies.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_cases(_budget: Budget) -> Tally {
        Tally { tried: 3, ..Tally::new(0, "three cases", "cases") }
    }

    #[test]
    fn a_test_without_a_seed_has_one_turn() {
        let test = |has_seed| Test { scenario: 0, is_endless: false, has_seed, share: 1, run: three_cases };
        let mut told = 0;
        let tallies = run_seeds(&[test(true), test(false)], &Budget::sample(1), 5, |_| told += 1);
        let counted: Vec<(u64, u64)> = tallies.iter().map(|tally| (tally.tried, tally.seeds)).collect();
        assert_eq!(counted, [(15, 5), (3, 1)]);
        assert_eq!(told, 2);
    }
}
