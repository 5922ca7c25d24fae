//! How much a scenario may try, and how its cases follow from the seed.

use std::time::Instant;

use fastrand::Rng;

/// How long a scenario may take, and where its randomness starts.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// The seed that every case follows from.
    pub seed: u64,
    /// The most cases that are tried. A case is a workload, a seed or a file, depending on the scenario.
    pub cases: u64,
    /// No new case is begun after this moment.
    pub deadline: Option<Instant>,
}

impl Budget {
    /// A bounded sample: the same cases on every machine, however slow.
    pub fn sample(cases: u64) -> Self {
        Self { seed: 1, cases, deadline: None }
    }

    /// Whether one more case, the `done + 1`th, may begin.
    pub fn allows(&self, done: u64) -> bool {
        done < self.cases && self.has_time()
    }

    /// Whether there is time left: for cases that are many in one.
    pub fn has_time(&self) -> bool {
        self.deadline.is_none_or(|deadline| Instant::now() < deadline)
    }

    /// Returns the budget of the next part: `share` of the `shares` that the time left is divided into.
    #[must_use]
    pub fn part(&self, share: u32, shares: u32) -> Self {
        let now = Instant::now();
        let part = |end: Instant| now + end.saturating_duration_since(now) * share / shares.max(1);
        Self { deadline: self.deadline.map(part), ..*self }
    }

    /// Returns the seed of a case. The cases of neighbouring seeds have nothing in common.
    pub fn seed_of(&self, case: u64) -> u64 {
        mixed(mixed(self.seed) ^ case)
    }

    /// Returns the generator of a case. What it draws follows from the seed and the case's number alone.
    pub fn random(&self, case: u64) -> Rng {
        Rng::with_seed(self.seed_of(case))
    }

    /// Returns the order in which this seed goes through `all` cases. A run that ends early has tried other
    /// cases than a run with another seed.
    pub fn order(&self, all: u64) -> Order {
        Order::new(self.seed, all)
    }
}

/// An order of the numbers below a limit. Each of them has one place.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    all: u64,
    first: u64,
    stride: u64,
}

impl Order {
    /// Returns the order that the seed gives.
    pub fn new(seed: u64, all: u64) -> Self {
        let mut random = Rng::with_seed(mixed(seed));
        let first = if all == 0 { 0 } else { random.u64(..all) };
        // A stride without a common divisor comes by every number before it comes back.
        let mut stride = if all < 2 { 1 } else { random.u64(1..all) };
        while greatest_common_divisor(stride, all) > 1 {
            stride = stride % all + 1;
        }
        Self { all, first, stride }
    }

    /// Returns the number at a place, or `None` if there are not so many.
    pub fn at(&self, place: u64) -> Option<u64> {
        let walked = u128::from(self.first) + u128::from(place) * u128::from(self.stride);
        (place < self.all).then(|| (walked % u128::from(self.all)) as u64)
    }

    /// Goes through all of them.
    pub fn iter(&self) -> impl Iterator<Item = u64> + use<> {
        let order = *self;
        (0..order.all).filter_map(move |place| order.at(place))
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Spreads the bits of a seed, so that neighbours become strangers (`SplitMix64`).
fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_order_has_every_number_once() {
        for all in [0, 1, 2, 3, 12, 97, 336, 2222] {
            for seed in 0..20 {
                let numbers: BTreeSet<u64> = Order::new(seed, all).iter().collect();
                assert_eq!(numbers, (0..all).collect(), "seed {seed}");
            }
        }
    }

    #[test]
    fn neighbouring_seeds_share_no_cases() {
        let seeds = |seed| (0..1_000).map(move |case| Budget { seed, ..Budget::sample(1) }.seed_of(case));
        let distinct: BTreeSet<u64> = (1..=50).flat_map(seeds).collect();
        assert_eq!(distinct.len(), 50_000);
        let first = |seed| Order::new(seed, 1 << 40).at(0);
        assert!((1..=50).all(|seed| first(seed) != first(seed + 1)));
    }
}
