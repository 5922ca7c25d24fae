//! Moving a file aside when it is long enough.

use std::io;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::FileSink;
use crate::sink::SinkError;

impl FileSink {
    /// After a publication: moves the file aside if it is long enough, and begins another one.
    pub(super) fn rotate_if_due(&mut self) -> Result<(), SinkError> {
        let is_quiet = self.ends.published == self.ends.written;
        if !is_quiet || self.rotate_at_bytes.is_none_or(|bytes| self.ends.published < bytes) {
            return Ok(());
        }
        // It was moved away already, and will be told so.
        if !self.output.is_in_place().map_err(|error| self.failed(error))? {
            return Ok(());
        }
        self.move_aside().map_err(|error| self.failed(error))?;
        self.begin_another()
    }

    fn move_aside(&self) -> io::Result<()> {
        let name = self.rotated_path(self.last_number()? + 1);
        renameat_with(CWD, &self.output.path, CWD, &name, RenameFlags::NOREPLACE)?;
        self.output.sync_names()
    }

    /// Continues in a new file, with what was written and not published.
    pub(super) fn begin_another(&mut self) -> Result<(), SinkError> {
        self.output.release();
        let pending = self.pending.read()?;
        let shown = usize::try_from(self.ends.published - self.ends.waiting_from).unwrap_or(usize::MAX);
        self.pending.replace(pending.get(shown..).unwrap_or(&[]))?;
        let Self { ends, .. } = self;
        (ends.prepared, ends.written) = (ends.prepared - ends.published, ends.written - ends.published);
        (ends.waiting_from, ends.published) = (0, 0);
        Ok(())
    }
}
