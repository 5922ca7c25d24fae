//! What a reader does at the end of a file that is followed, and when the file was rotated.

use std::time::Instant;

use super::follow::Now;
use super::position::FilePosition;
use super::reader::FileReader;
use super::records::Stop;
use super::seeking::Target;
use crate::context::Context;
use crate::source::{Place, SourceError, SourceErrorKind as Kind};

impl FileReader {
    /// Goes to the file that has the position, if it was rotated.
    pub(super) fn find_rotated(&mut self, target: Target) -> Result<bool, Stop> {
        let Target { position: FilePosition { end_byte, fingerprint, .. }, is_rotated, .. } = target;
        let (Some(followed), Some(byte), Some(print), false) = (&self.followed, end_byte, fingerprint, is_rotated)
        else {
            return Ok(false);
        };
        let found = followed.rotated(byte, print);
        let found = found.map_err(|error| Stop::Failed(SourceError::io(Kind::Io, self.records.name(), error)))?;
        let Some(raw) = found else { return Ok(false) };
        self.records.replace(raw);
        self.begin();
        self.target = Some(Target { is_rotated: true, ..target });
        Ok(true)
    }

    /// At the end of a file that is followed.
    pub(super) fn wait_for_more(&mut self, deadline: Instant) -> Result<(), Stop> {
        let failed = |reader: &Self, error| Stop::Failed(SourceError::io(Kind::Io, reader.records.name(), error));
        let Some(followed) = self.followed.clone().filter(|_| self.records.is_plain_file()) else {
            let what = "only a plain file can be followed, and this one is compressed or in another encoding";
            return Err(Stop::Failed(self.records.error(Kind::Unsupported, what)));
        };
        let (byte, read, print) =
            (self.records.passed().byte(), self.records.read_bytes(), self.records.passed().fingerprint());
        let Some(raw) = self.records.raw() else { return Err(Stop::Later) };
        let now = followed.wait(raw, read, deadline).and_then(|now| {
            // It may have been cut short, and be longer already.
            let is_other = |found: Option<Context>| found.is_none_or(|text| text.fingerprint() != print);
            Ok(if matches!(now, Now::Grown) && is_other(raw.context(byte)?) { Now::CutShort } else { now })
        });
        match now.map_err(|error| failed(self, error))? {
            Now::Same => Err(Stop::Later),
            Now::Grown => Ok(()),
            Now::Rotated => {
                // This is the end of this file.
                self.records.set_grows(false);
                Ok(())
            }
            Now::CutShort => self.find_copy(),
        }
    }

    /// After a file was cut short: continues in the file that it was copied to.
    pub(super) fn find_copy(&mut self) -> Result<(), Stop> {
        let position = self.target.map_or_else(|| self.here(), |target| target.position);
        let target = Target { position, jumps: true, is_rotated: false };
        if position.fingerprint.is_some() && self.find_rotated(target)? {
            return Ok(());
        }
        let what = "was cut short, and no file that it was rotated to has what was read of it";
        let place = Place::Byte(self.records.passed().byte());
        Err(Stop::Failed(self.records.error(Kind::Replaced, what).at(place)))
    }

    /// After the end of a file that was rotated.
    pub(super) fn next_file(&mut self) -> Result<(), Stop> {
        let Some(followed) = &self.followed else { return Err(Stop::End) };
        let held = self.here();
        let next = self.records.raw().map(|raw| followed.next(raw));
        match next {
            Some(Ok(raw)) => self.records.replace(raw),
            Some(Err(error)) => {
                return Err(Stop::Failed(SourceError::io(Kind::Io, self.records.name(), error)));
            }
            None => return Err(Stop::End),
        }
        self.begin();
        self.held = Some(held);
        Ok(())
    }
}
