//! Points in event time.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::quoted;

/// A point in time, in milliseconds since 1970 UTC. It is written as RFC 3339.
///
/// ```
/// use alluvium_plugin::Time;
///
/// let time: Time = "2013-01-01T05:00:00Z".parse()?;
/// assert_eq!(time.as_ms(), 1_357_016_400_000);
/// assert_eq!(time.to_string(), "2013-01-01T05:00:00Z");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

impl Time {
    /// Returns the time so many milliseconds after the beginning of 1970.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Returns the milliseconds since 1970.
    pub const fn as_ms(self) -> i64 {
        self.0
    }
}

/// Returns a duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl std::str::FromStr for Time {
    type Err = String;

    /// Reads RFC 3339, or milliseconds since 1970.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(ms) = text.parse() {
            return Ok(Self(ms));
        }
        let time = text.parse::<Timestamp>().ok().filter(|_| has_shape(text));
        let time = time.ok_or_else(|| format!("{} is no time, as 2013-01-01T05:00:00Z", quoted(text)))?;
        Ok(Self(time.as_millisecond()))
    }
}

/// Whether a text has the shape of a time that all languages of operators read: as `2013-01-01T05:00:00.5+05:30`, and
/// the seconds may be left out. A [`Timestamp`] is read from more forms, which the other languages do not know.
fn has_shape(text: &str) -> bool {
    let shape: String =
        text.chars().map(|it| if it.is_ascii_digit() { '0' } else { it.to_ascii_uppercase() }).collect();
    // A year before 0 has six digits.
    let date = shape.strip_prefix("-00").unwrap_or(&shape);
    let Some(minutes) = date.strip_prefix("0000-00-00").and_then(|it| it.strip_prefix(['T', ' '])) else {
        return false;
    };
    let Some(seconds) = minutes.strip_prefix("00:00") else { return false };
    let fraction = seconds.strip_prefix(":00").unwrap_or(seconds);
    let offset = fraction.strip_prefix('.').map_or(fraction, |digits| digits.trim_start_matches('0'));
    ["Z", "+00:00", "-00:00"].contains(&offset)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(time) => time.fmt(f),
            // The calendar has an end.
            Err(_) => self.0.fmt(f),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_in_all_languages() {
        for (text, ms) in [
            ("2013-01-01T05:00:00Z", 1_357_016_400_000),
            ("2013-01-01t05:00z", 1_357_016_400_000),
            ("2013-01-01 06:30:00+01:30", 1_357_016_400_000),
            ("2013-01-01T05:00:00-00:00", 1_357_016_400_000),
            ("2013-01-01T23:59:60Z", 1_357_084_799_000),
            ("1970-01-01T00:00:00.123999999Z", 123),
            ("1969-12-31T23:59:59.9995Z", 0),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("-000001-12-31T23:59:59.999Z", -62_167_219_200_001),
            ("-000004-02-29T00:00:00Z", -62_288_352_000_000),
            ("-009999-01-02T01:59:59Z", -377_705_023_201_000),
            ("+5", 5),
        ] {
            assert_eq!(text.parse(), Ok(Time(ms)), "{text}");
        }
    }

    #[test]
    fn what_other_languages_do_not_read_is_no_time() {
        for text in [
            "2013-01-01",
            "2013-01-01T05:00:00",
            "2013-01-01T05Z",
            "20130101T050000Z",
            "2013-01-01T050000Z",
            "2013-01-01T05:00:00,5Z",
            "2013-01-01T05:00:00.Z",
            "2013-01-01T05:00:00.1234567890Z",
            "2013-01-01T05:00.5Z",
            "2013-01-01T05:00:00+0530",
            "2013-01-01T05:00:00+05",
            "2013-01-01T05:00:00+05:30:15",
            "2013-01-01T05:00:00Z[UTC]",
            "2013-01-01T05:00:00 Z",
            "2013-01-01T05:00:00Z ",
            "+002013-01-01T05:00:00Z",
            "-002013-02-29T05:00:00Z",
            "-000000-01-01T00:00:00Z",
            "-010000-01-01T00:00:00Z",
            "-009999-01-01T00:00:00Z",
        ] {
            let error = format!("\"{text}\" is no time, as 2013-01-01T05:00:00Z");
            assert_eq!(text.parse::<Time>(), Err(error));
        }
    }
}
