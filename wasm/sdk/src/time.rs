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
        let time =
            text.parse::<Timestamp>().map_err(|_| format!("{} is no time, as 2013-01-01T05:00:00Z", quoted(text)))?;
        Ok(Self(time.as_millisecond()))
    }
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
