//! Going to a position in a text.

use std::time::Instant;

use super::position::FilePosition;
use super::reader::{FileReader, RECORDS_PER_LOOK};
use super::records::{Landing, Stop};
use crate::source::{Place, SourceErrorKind as Kind};

/// A position that a reader is on the way to.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) position: FilePosition,
    /// Whether the file may have the byte of the position.
    pub(super) jumps: bool,
    /// Whether the file may have been rotated.
    pub(super) is_rotated: bool,
}

impl FileReader {
    /// Goes to the position that was sought: straight to its byte, or past the records before it.
    pub(super) fn approach(&mut self, target: Target, deadline: Instant) -> Result<(), Stop> {
        let plain = target.jumps && self.is_file && self.records.finds_plain_file()?;
        if let Some(byte) = target.position.end_byte.filter(|_| plain) {
            return self.jump(target, byte);
        }
        let expected = target.position.records;
        while self.passed < expected {
            let records = self.passed;
            self.records.next().map_err(|stop| match stop {
                Stop::End | Stop::CaughtUp => {
                    let what = format!("has {records} records, but the position is after record {expected}");
                    Stop::Failed(self.records.error(Kind::TooShort { records }, what))
                }
                _ => stop,
            })?;
            self.pass();
            if self.passed.is_multiple_of(RECORDS_PER_LOOK) && Instant::now() >= deadline {
                return Err(Stop::Later);
            }
        }
        self.arrive(target)
    }

    /// At the position: the text must be the one that had it.
    fn arrive(&mut self, target: Target) -> Result<(), Stop> {
        let fingerprint = target.position.fingerprint;
        let is_same = fingerprint.is_none_or(|print| print == self.records.passed().fingerprint());
        if is_same {
            (self.target, self.passed) = (None, target.position.records);
            return Ok(());
        }
        if self.find_rotated(target)? {
            return Ok(());
        }
        let byte = self.records.passed().byte();
        let what = "is another file than the one that was read before, or what is before this place has changed";
        Err(Stop::Failed(self.records.error(Kind::Replaced, what).at(Place::Byte(byte))))
    }

    fn jump(&mut self, target: Target, byte: u64) -> Result<(), Stop> {
        match self.records.jump(byte)? {
            Landing::Line => self.arrive(target)?,
            Landing::WithinLine | Landing::PastEnd if self.find_rotated(target)? => {}
            Landing::WithinLine => {
                let what = "the position is within a line: this is another file, or its last line has grown";
                return Err(Stop::Failed(self.records.error(Kind::Replaced, what).at(Place::Byte(byte))));
            }
            // A shorter file may be the same in another form, as compressed. Its records are counted.
            Landing::PastEnd => {
                self.restart().map_err(Stop::Failed)?;
                self.target = Some(Target { jumps: false, ..target });
            }
        }
        Ok(())
    }
}
