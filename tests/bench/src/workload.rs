//! Workload W: a million keys of 16 bytes with values of 100, of which 1 % change in every epoch.
//!
//! Everything follows from a seed, so that every contender sees the same mutations and a run can be
//! repeated. Values do not compress: an engine that compresses would otherwise be measured on zeros.

/// Bytes of every key.
pub const KEY_BYTES: usize = 16;
/// Bytes of every value.
pub const VALUE_BYTES: usize = 100;
/// Bytes of an entry's key and value.
pub const ENTRY_BYTES: usize = KEY_BYTES + VALUE_BYTES;

/// How many keys, and how many of them change between two checkpoints.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Live keys.
    pub keys: u32,
    /// Keys that change in an epoch.
    pub changed: u32,
}

impl Workload {
    /// A workload of so many keys, of which 1 % change in an epoch.
    pub fn of(keys: u32) -> Self {
        Self { keys, changed: (keys / 100).max(1) }
    }

    /// Bytes of all keys and values.
    pub fn payload_bytes(&self) -> u64 {
        u64::from(self.keys) * ENTRY_BYTES as u64
    }
}

/// Puts, made before the clock runs.
#[derive(Debug, Clone, Default)]
pub struct Records {
    records: Vec<([u8; KEY_BYTES], [u8; VALUE_BYTES])>,
}

impl Records {
    /// Every key in its first version.
    pub fn initial(workload: Workload) -> Self {
        Self::of(0..workload.keys, 0)
    }

    /// These keys in this version.
    pub fn of(numbers: impl IntoIterator<Item = u32>, version: u64) -> Self {
        Self { records: numbers.into_iter().map(|number| (key(number), value(number, version))).collect() }
    }

    /// Keys with their values, in the order in which they come.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.records.iter().map(|(key, value)| (&key[..], &value[..]))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

/// The bit mixer of splitmix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The key of a number: scattered bytes, then the number, so that no two are equal.
pub fn key(number: u32) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&mix(u64::from(number) + 1).to_be_bytes());
    key[8..].copy_from_slice(&u64::from(number).to_be_bytes());
    key
}

/// The value of a key in a version: bytes without a pattern.
pub fn value(number: u32, version: u64) -> [u8; VALUE_BYTES] {
    let mut value = [0; VALUE_BYTES];
    let seed = mix(u64::from(number) << 32 ^ version);
    for (at, word) in value.chunks_mut(8).enumerate() {
        let bytes = mix(seed.wrapping_add((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))).to_le_bytes();
        word.copy_from_slice(&bytes[..word.len()]);
    }
    value
}

/// Which keys change in each epoch: every key equally likely, none twice in an epoch.
#[derive(Debug)]
pub struct Uniform {
    order: Vec<u32>,
    random: fastrand::Rng,
}

impl Uniform {
    /// Over so many keys.
    pub fn new(keys: u32, seed: u64) -> Self {
        Self { order: (0..keys).collect(), random: fastrand::Rng::with_seed(seed) }
    }

    /// The next epoch's keys.
    pub fn draw(&mut self, changed: u32) -> &[u32] {
        let changed = (changed as usize).min(self.order.len());
        // The beginning of a shuffle: distinct, and cheap for few out of many.
        for at in 0..changed {
            let other = self.random.usize(at..self.order.len());
            self.order.swap(at, other);
        }
        &self.order[..changed]
    }
}

/// Which keys change when few are popular: Zipf's law, popular keys scattered among the others.
#[derive(Debug)]
pub struct Zipf {
    keys: u32,
    theta: f64,
    zeta: f64,
    eta: f64,
    random: fastrand::Rng,
}

impl Zipf {
    /// Over so many keys with an exponent below 1.
    pub fn new(keys: u32, theta: f64, seed: u64) -> Self {
        let zeta_of = |count: u32| (1..=count).map(|rank| f64::from(rank).powf(-theta)).sum::<f64>();
        let (zeta, zeta_of_two) = (zeta_of(keys), zeta_of(2));
        let eta = (1.0 - (2.0 / f64::from(keys)).powf(1.0 - theta)) / (1.0 - zeta_of_two / zeta);
        Self { keys, theta, zeta, eta, random: fastrand::Rng::with_seed(seed) }
    }

    /// One key. The method is Gray's, from "Quickly generating billion-record synthetic databases".
    pub fn draw(&mut self) -> u32 {
        let uniform = self.random.f64();
        let scaled = uniform * self.zeta;
        let rank = if scaled < 1.0 {
            0
        } else if scaled < 1.0 + 0.5f64.powf(self.theta) {
            1
        } else {
            (f64::from(self.keys) * (self.eta * uniform - self.eta + 1.0).powf(1.0 / (1.0 - self.theta))) as u32
        };
        (mix(u64::from(rank)) % u64::from(self.keys)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_repeats_no_key_and_a_seed_repeats_the_epoch() {
        let mut uniform = Uniform::new(1_000, 7);
        let first = uniform.draw(100).to_vec();
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), 100);
        assert_eq!(Uniform::new(1_000, 7).draw(100), first);
        assert_ne!(uniform.draw(100), first);
    }

    #[test]
    fn few_keys_get_most_of_zipf() {
        let mut zipf = Zipf::new(10_000, 0.99, 1);
        let mut counts = vec![0u32; 10_000];
        for _ in 0..100_000 {
            counts[zipf.draw() as usize] += 1;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let popular: u32 = counts[..100].iter().sum();
        assert!(popular > 40_000 && popular < 70_000, "{popular}");
    }

    #[test]
    fn versions_and_numbers_differ() {
        assert_ne!(value(1, 0), value(1, 1));
        assert_ne!(value(1, 0), value(2, 0));
        assert_ne!(key(1), key(2));
    }
}
