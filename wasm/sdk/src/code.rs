//! Keys that always have as many bytes.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::quoted;
use crate::key::Key;
use crate::row::Column;

/// A key that always has as many bytes. It can be the owner of the entries of an [`OrderedMap`](crate::OrderedMap).
pub trait FixedKey: Key {
    /// How many bytes it has.
    const BYTES: u32;
}

impl FixedKey for u64 {
    const BYTES: u32 = 8;
}

impl FixedKey for i64 {
    const BYTES: u32 = 8;
}

/// A text of exactly `N` bytes, such as the code of an airport.
///
/// ```
/// use alluvium_plugin::{Code, Key};
///
/// let airport: Code<3> = "JFK".parse()?;
/// assert_eq!((airport.as_str(), airport.bytes()), ("JFK", b"JFK".to_vec()));
/// assert_eq!("LONDON".parse::<Code<3>>().unwrap_err(), r#""LONDON" has 6 bytes, and not 3"#);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code<const N: usize>([u8; N]);

impl<const N: usize> Code<N> {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl<const N: usize> std::str::FromStr for Code<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = text.as_bytes().try_into();
        bytes.map(Self).map_err(|_| format!("{} has {} bytes, and not {N}", quoted(text), text.len()))
    }
}

impl<const N: usize> fmt::Display for Code<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> Serialize for Code<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Code<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<const N: usize> Column for Code<N> {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl<const N: usize> Key for Code<N> {
    fn write(&self, _is_last: bool, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0);
    }

    fn read(_is_last: bool, bytes: &mut &[u8]) -> Option<Self> {
        let (code, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        std::str::from_utf8(code).is_ok().then_some(Self(*code))
    }
}

impl<const N: usize> FixedKey for Code<N> {
    // No key may have as many bytes as a number of 32 bits can say.
    #[allow(clippy::cast_possible_truncation, reason = "no text in a type's parameter has 2^32 bytes")]
    const BYTES: u32 = N as u32;
}
