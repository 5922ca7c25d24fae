//! The event times of records: a column of them.

use alluvium_connectors::source::Schema;
use clap::ValueEnum;

use crate::failure::Failure;

/// How event times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TimeFormat {
    /// As 2013-01-01T10:00:00Z
    Rfc3339,
    /// As 2013-01-01, at midnight UTC
    Date,
    /// Milliseconds of Unix time
    UnixMs,
    /// Seconds of Unix time, also with decimals
    UnixS,
}

/// Where event times are.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// The column's name; empty for none.
    pub(super) column: String,
    pub(super) format: TimeFormat,
}

impl Times {
    /// Returns which column has the event times; none if there is to be none, or if records have no columns.
    pub(super) fn find(&self, schema: &Schema, source_name: &str) -> Result<Option<usize>, Failure> {
        let Schema::Fields(header) = schema else { return Ok(None) };
        if self.column.is_empty() {
            return Ok(None);
        }
        header.iter().position(|column| *column == self.column).map(Some).ok_or_else(|| {
            let columns = header.join(", ");
            Failure::at(source_name, format!("has no column {}; its columns are {columns}", self.column))
                .hint("name the column of event times with --time-column NAME, or --time-column '' if there is none")
        })
    }

    /// Reads an event time, in milliseconds of Unix time. Nothing and NA are none.
    pub(super) fn read(&self, field: &[u8]) -> Result<Option<i64>, String> {
        if matches!(field, b"" | b"NA") {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(field);
        self.format.read(&text).map(Some).ok_or_else(|| format!("{text:?} is no time"))
    }

    /// What to do about a field that is none.
    pub(super) fn hint(&self) -> String {
        let example = match self.format {
            TimeFormat::Rfc3339 => "2013-01-01T10:00:00Z",
            TimeFormat::Date => "2013-01-01",
            TimeFormat::UnixMs => "1357034400000",
            TimeFormat::UnixS => "1357034400",
        };
        format!("event times look like {example}, NA or nothing; --time-format names another form")
    }
}

impl TimeFormat {
    fn read(self, text: &str) -> Option<i64> {
        match self {
            Self::Rfc3339 => Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()),
            Self::Date => {
                let date = text.parse::<jiff::civil::Date>().ok()?;
                Some(jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_millisecond())
            }
            Self::UnixMs => text.parse().ok(),
            Self::UnixS => {
                let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
                if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
                let (seconds, ms) = (seconds.parse::<i64>().ok()?, digits.parse::<i64>().ok()?);
                let sign = if text.starts_with('-') { -1 } else { 1 };
                seconds.checked_mul(1_000)?.checked_add(sign * ms)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        let check = |format: TimeFormat, text: &str, expected| assert_eq!(format.read(text), expected, "{text}");
        check(TimeFormat::Rfc3339, "2013-01-01T10:00:00Z", Some(1_357_034_400_000));
        check(TimeFormat::Rfc3339, "2013-01-01T11:00:00.5+01:00", Some(1_357_034_400_500));
        check(TimeFormat::Rfc3339, "1357034400000", None);
        check(TimeFormat::Date, "2013-01-01", Some(1_356_998_400_000));
        check(TimeFormat::Date, "2013-13-01", None);
        check(TimeFormat::UnixMs, "1356998400000", Some(1_356_998_400_000));
        check(TimeFormat::UnixMs, "1.5", None);
        check(TimeFormat::UnixS, "1356998400", Some(1_356_998_400_000));
        check(TimeFormat::UnixS, "1.5", Some(1_500));
        check(TimeFormat::UnixS, "-1.25", Some(-1_250));
        check(TimeFormat::UnixS, "1.23456", Some(1_234));
        check(TimeFormat::UnixS, "1.x", None);
        check(TimeFormat::UnixS, "9223372036854775807", None);
    }

    #[test]
    fn nothing_is_no_time_and_no_error() {
        let times = Times { column: "time".to_owned(), format: TimeFormat::Date };
        assert_eq!(
            ["", "NA", "2013-01-01"].map(|text| times.read(text.as_bytes()).expect("no error").is_some()),
            [false, false, true]
        );
        assert_eq!(times.read(b"soon"), Err("\"soon\" is no time".to_owned()));
    }
}
