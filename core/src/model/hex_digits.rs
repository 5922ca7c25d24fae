//! Numbers and bytes as hexadecimal digits in JSON. As a JSON number, a number of 64 bits would lose its
//! lowest bits in JavaScript.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Parses exactly 16 lower-case hexadecimal digits. Anything else is `None`.
pub(crate) fn parse_hex(digits: &str) -> Option<u64> {
    (digits.len() == 16 && are_lower_case(digits)).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// Parses exactly 32 lower-case hexadecimal digits as the id of a directory. Anything else is `None`.
pub(crate) fn parse_store_id(digits: &str) -> Option<[u8; 16]> {
    let (high, low) = digits.split_at_checked(16)?;
    Some((u128::from(parse_hex(high)?) << 64 | u128::from(parse_hex(low)?)).to_be_bytes())
}

/// Parses two lower-case hexadecimal digits for each byte. Anything else is `None`.
pub(crate) fn parse_bytes(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !are_lower_case(digits) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

fn are_lower_case(digits: &str) -> bool {
    digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
}

/// Returns bytes as two lower-case hexadecimal digits each.
pub(crate) fn bytes_to_hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Writes a number as sixteen lower-case digits.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:016x}"))
}

/// Reads sixteen lower-case digits.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let digits = String::deserialize(deserializer)?;
    parse_hex(&digits).ok_or_else(|| D::Error::custom("sixteen hexadecimal digits expected"))
}

/// The id of a directory as thirty-two digits.
pub(crate) mod store_id {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::parse_store_id;

    /// Writes an id as thirty-two lower-case digits.
    pub(crate) fn serialize<S: Serializer>(id: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(*id)))
    }

    /// Reads thirty-two lower-case digits.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        let digits = String::deserialize(deserializer)?;
        parse_store_id(&digits).ok_or_else(|| D::Error::custom("thirty-two hexadecimal digits expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_have_one_form() {
        for bytes in [&[][..], &[0], &[0xff, 0x0a, 0x90]] {
            assert_eq!(parse_bytes(&bytes_to_hex(bytes)).as_deref(), Some(bytes));
        }
        for digits in ["0", "0A", "0g", "+1", "é"] {
            assert_eq!(parse_bytes(digits), None, "{digits}");
        }
    }
}
