//! Numbers as hexadecimal digits in JSON. As a JSON number, a number of 64 bits would lose its lowest bits
//! in JavaScript.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::format::paths::parse_hex;

/// Writes a number as sixteen lower-case digits.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:016x}"))
}

/// Reads sixteen lower-case digits.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let digits = String::deserialize(deserializer)?;
    parse_hex(&digits).ok_or_else(|| D::Error::custom("sixteen hexadecimal digits expected"))
}

/// The id of a directory as thirty-two digits.
pub(super) mod store_id {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::format::paths::parse_hex;

    /// Writes an id as thirty-two lower-case digits.
    pub(in crate::format) fn serialize<S: Serializer>(id: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(*id)))
    }

    /// Reads thirty-two lower-case digits.
    pub(in crate::format) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        let digits = String::deserialize(deserializer)?;
        let halves = digits.split_at_checked(16);
        let id = halves.and_then(|(high, low)| Some(u128::from(parse_hex(high)?) << 64 | u128::from(parse_hex(low)?)));
        id.map(u128::to_be_bytes).ok_or_else(|| D::Error::custom("thirty-two hexadecimal digits expected"))
    }
}
