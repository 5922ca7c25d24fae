//! The event times of records: a column of them.

use alluvium_connectors::Batch;
use alluvium_connectors::source::Schema;

use crate::failure::Failure;

/// Returns which column has the event times; none if there is to be none, or if records have no columns.
pub(super) fn column(schema: &Schema, time_column: &str, source_name: &str) -> Result<Option<usize>, Failure> {
    let Schema::Fields(header) = schema else { return Ok(None) };
    if time_column.is_empty() {
        return Ok(None);
    }
    header.iter().position(|column| column == time_column).map(Some).ok_or_else(|| {
        Failure::at(source_name, format!("has no column {time_column}; its columns are {}", header.join(", ")))
            .hint("name the column of event times with --time-column NAME, or --time-column '' if there is none")
    })
}

/// Returns the largest event time of a batch in milliseconds of Unix time. `before` is the number of
/// records before the batch.
pub(super) fn largest(batch: &Batch, column: usize, before: u64, source_name: &str) -> Result<Option<i64>, Failure> {
    let mut largest = None;
    for (number, record) in (before + 1..).zip(batch.records()) {
        let time = read(record.field(column).unwrap_or_default()).map_err(|text| {
            Failure::at(source_name, format!("record {number}: {text:?} is no time"))
                .hint("event times look like 2013-01-01T10:00:00Z, NA or nothing")
        })?;
        largest = largest.max(time);
    }
    Ok(largest)
}

fn read(field: &[u8]) -> Result<Option<i64>, String> {
    if matches!(field, b"" | b"NA") {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(field);
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => Ok(Some(time.as_millisecond())),
        Err(_) => Err(text.into_owned()),
    }
}
