//! The position in one partition of a source: a number, or bytes that only the source understands.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::opaque::Opaque;

/// A position in one partition of a source: it lies between two records, and a reader continues there.
///
/// In JSON an offset is a number, and opaque bytes are a string of hexadecimal digits.
///
/// ```
/// use alluvium_core::model::opaque::Opaque;
/// use alluvium_core::model::source_position::SourcePosition;
///
/// assert_eq!(SourcePosition::Offset(7).to_string(), "7");
/// assert_eq!(SourcePosition::Opaque(Opaque::new(b"shard 7\n")?).to_string(), r#""shard 7\n""#);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourcePosition {
    /// A number that only grows, as the number of records before it.
    Offset(u64),
    /// What the source alone can read.
    Opaque(Opaque),
}

impl From<u64> for SourcePosition {
    fn from(offset: u64) -> Self {
        Self::Offset(offset)
    }
}

impl From<Opaque> for SourcePosition {
    fn from(opaque: Opaque) -> Self {
        Self::Opaque(opaque)
    }
}

impl fmt::Display for SourcePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::Opaque(opaque) => write!(f, "\"{}\"", opaque.as_bytes().escape_ascii()),
        }
    }
}

impl Serialize for SourcePosition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Offset(offset) => serializer.serialize_u64(*offset),
            Self::Opaque(opaque) => opaque.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SourcePosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

/// Reads the one form or the other.
struct Form;

impl Visitor<'_> for Form {
    type Value = SourcePosition;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or hexadecimal digits")
    }

    fn visit_u64<E>(self, offset: u64) -> Result<SourcePosition, E> {
        Ok(SourcePosition::Offset(offset))
    }

    fn visit_str<E: serde::de::Error>(self, digits: &str) -> Result<SourcePosition, E> {
        Opaque::try_from(digits.to_owned()).map(SourcePosition::Opaque).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_json_is_read_as_it_was_written() {
        let opaque = |bytes: &[u8]| SourcePosition::Opaque(Opaque::new(bytes).unwrap());
        let check = |position: SourcePosition, json: &str| {
            assert_eq!(serde_json::to_string(&position).unwrap(), json);
            assert_eq!(serde_json::from_str::<SourcePosition>(json).unwrap(), position);
        };
        check(SourcePosition::Offset(0), "0");
        check(SourcePosition::Offset(u64::MAX), "18446744073709551615");
        check(opaque(b""), "\"\"");
        check(opaque(&[7, 0xff]), "\"07ff\"");
        // Digits that look like a number are bytes all the same.
        check(opaque(&[0x12]), "\"12\"");
        for json in ["-1", "1.5", "18446744073709551616", "\"1\"", "\"zz\"", "null", "[1]", "{}"] {
            assert!(serde_json::from_str::<SourcePosition>(json).is_err(), "{json}");
        }
        let long = format!("\"{}\"", "00".repeat(1025));
        assert!(serde_json::from_str::<SourcePosition>(&long).is_err());
    }
}
