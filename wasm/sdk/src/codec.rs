//! Values in the state, as bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that can be kept in the state.
///
/// Everything that serde knows is kept as JSON, so that `alluvium dump` shows it and other languages read it. Implement
/// it yourself for another form.
pub trait Codec: Sized {
    /// Returns its bytes.
    fn encode(&self) -> Vec<u8>;

    /// Reads it. The error says what is wrong.
    fn decode(bytes: &[u8]) -> Result<Self, String>;
}

impl<T: Serialize + DeserializeOwned> Codec for T {
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("a value of another type: {error}"))
    }
}

/// Returns a text as JSON has it, which every language of plugins can say in the same way.
pub(crate) fn quoted(text: &str) -> serde_json::Value {
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..100_000 {
            let number = f64::from_bits(random.u64(..));
            if number.is_finite() {
                assert_eq!(f64::decode(&number.encode()).map(f64::to_bits), Ok(number.to_bits()), "{number:e}");
            }
        }
    }
}
