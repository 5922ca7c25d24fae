//! What follows an offset, and what of it was read before.

use super::framing::Framing;
use super::position::{At, Since};

/// What follows one offset of the server, as far as it was read.
#[derive(Debug)]
pub(super) struct Chapter {
    offset: String,
    since: Since,
    /// What is before the position and comes again, until it was compared.
    before: Option<Since>,
    /// How many bytes of the next line came before the chapter.
    line_bytes_before: usize,
}

/// A record of a chapter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It was handed out before.
    Again,
    /// It comes for the first time, and this is what was read with it.
    New(Since),
    /// What comes again is not what was read before.
    Other,
}

impl Chapter {
    /// Begins again with the offset of a position.
    pub(super) fn again(at: &At) -> Self {
        let before = (at.since.records > 0).then_some(at.since);
        Self { offset: at.offset.clone(), since: Since::default(), before, line_bytes_before: 0 }
    }

    /// Begins with an answer. What is compared first may take more than one.
    pub(super) fn turn(&mut self, offset: &str, framing: &Framing) {
        if self.before.is_none() {
            self.offset.clear();
            self.offset.push_str(offset);
            self.since = Since::default();
            self.line_bytes_before = framing.unfinished().len();
        }
    }

    pub(super) fn offset(&self) -> &str {
        &self.offset
    }

    /// Whether what was read before is compared.
    pub(super) fn compares(&self) -> bool {
        self.before.is_some()
    }

    /// How many of the records before the position have not come again.
    pub(super) fn missing(&self) -> u64 {
        self.before.map_or(0, |before| before.records.saturating_sub(self.since.records))
    }

    /// What counts the bytes of the next record.
    pub(super) fn counters(&mut self) -> (&mut Since, &mut usize) {
        (&mut self.since, &mut self.line_bytes_before)
    }

    /// Says what the record is that was counted last.
    pub(super) fn judge(&mut self) -> Read {
        let Some(before) = self.before else { return Read::New(self.since) };
        if self.since.records < before.records {
            return Read::Again;
        }
        if self.since != before {
            return Read::Other;
        }
        self.before = None;
        Read::Again
    }
}
