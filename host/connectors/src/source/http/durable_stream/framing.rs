//! Records in the bytes of answers.

use alluvium_core::model::hash::checksum;

use super::elements::{Elements, NoElement};
use super::position::Since;
use crate::source::line_buffer::Lines;

/// How the records of a stream are divided.
#[derive(Debug)]
pub(super) enum Framing {
    /// Each answer is an array of JSON.
    Json { elements: Elements, element_bytes_max: usize },
    /// A line may begin in one answer and end in another.
    Lines(Lines),
}

impl Framing {
    /// Returns the framing of a stream with this content type.
    pub(super) fn of(content_type: &[u8], record_bytes_max: usize) -> Self {
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
        if essence.trim_ascii().eq_ignore_ascii_case(b"application/json") {
            Self::Json { elements: Elements::new(record_bytes_max), element_bytes_max: record_bytes_max }
        } else {
            Self::Lines(Lines::new(record_bytes_max))
        }
    }

    /// Begins with another answer.
    pub(super) fn begin(&mut self) {
        if let Self::Json { elements, element_bytes_max } = self {
            *elements = Elements::new(*element_bytes_max);
        }
    }

    /// Adds bytes of the answer.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Json { elements, .. } => elements.add(bytes),
            Self::Lines(lines) => lines.add(bytes),
        }
    }

    /// Whether the answer may end here.
    pub(super) fn may_end(&self) -> bool {
        match self {
            Self::Json { elements, .. } => elements.is_complete(),
            Self::Lines(_) => true,
        }
    }

    /// Returns the bytes behind the last record.
    pub(super) fn unfinished(&self) -> &[u8] {
        match self {
            Self::Json { .. } => b"",
            Self::Lines(lines) => lines.unfinished(),
        }
    }

    /// Returns the next record, and counts what of it belongs to `since`. What came of a line before that is
    /// `before` bytes.
    pub(super) fn next(&mut self, since: &mut Since, before: &mut usize) -> Result<Option<Vec<u8>>, NoElement> {
        let record = match self {
            Self::Json { elements, .. } => {
                let Some(element) = elements.next()? else { return Ok(None) };
                since.checksum = checksum(element, since.checksum);
                element.to_vec()
            }
            Self::Lines(lines) => {
                let there = lines.unfinished().len();
                let Some(line) = lines.next().map_err(|_| NoElement::TooLong)? else { return Ok(None) };
                let line = line.to_vec();
                let taken = there - lines.unfinished().len();
                let taken_since = taken - std::mem::take(before);
                let line_end = taken - line.len();
                let rest = taken_since.saturating_sub(line_end);
                since.bytes += taken_since as u64;
                since.checksum = checksum(&line[line.len() - rest..], since.checksum);
                line
            }
        };
        since.records += 1;
        Ok(Some(record))
    }
}
