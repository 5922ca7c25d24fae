//! Reading a CSV text from a position on.

use std::sync::Arc;
use std::time::Instant;

use super::position::FilePosition;
use super::raw::Raw;
use super::records::{Landing, Records, Stop};
use crate::batch::Batch;
use crate::source::{Place, Polled, Position, Progress, Reader, Schema, SourceError, SourceErrorKind as Kind};

/// After how many records the clock is looked at.
const RECORDS_PER_LOOK: u64 = 256;

/// Reads a CSV text. Nothing else reads through its descriptor.
pub(super) struct FileReader {
    records: Records,
    schema: Option<Arc<Schema>>,
    state: State,
    /// The position that it is on the way to.
    target: Option<Target>,
    /// The position after the last record that was handed out or passed over.
    position: FilePosition,
}

enum State {
    /// The header comes next.
    Start,
    /// Records come next.
    Records,
    End,
    Failed(SourceError),
}

#[derive(Clone, Copy)]
struct Target {
    position: FilePosition,
    /// Whether the file may have the byte of the position.
    jumps: bool,
}

const START: FilePosition = FilePosition { records: 0, end_byte: None };

impl FileReader {
    pub(super) fn new(name: String, raw: Raw) -> Self {
        Self { records: Records::new(name, raw), schema: None, state: State::Start, target: None, position: START }
    }

    fn restart(&mut self) -> Result<(), SourceError> {
        self.records.restart()?;
        (self.state, self.position) = (State::Start, START);
        Ok(())
    }

    /// Takes note that the last record is before the position now.
    fn pass(&mut self) {
        let end_byte = self.records.is_plain_file().then(|| self.records.end_byte());
        self.position = FilePosition { records: self.position.records + 1, end_byte };
    }

    fn read_header(&mut self) -> Result<(), Stop> {
        let refused = |reader: &Self, what| Stop::Failed(reader.records.error(Kind::Header, what));
        self.records.next().map_err(|stop| match stop {
            Stop::End => refused(self, "is empty"),
            _ => stop,
        })?;
        let names = self.records.fields().map(|name| std::str::from_utf8(name).map(ToOwned::to_owned));
        let names = names.collect::<Result<Vec<_>, _>>();
        let schema = Schema::Fields(names.map_err(|_| refused(self, "the header is not UTF-8 text"))?);
        if self.schema.as_deref() != Some(&schema) {
            self.schema = Some(Arc::new(schema));
        }
        self.state = State::Records;
        Ok(())
    }

    /// Goes to the position that was sought: straight to its byte, or past the records before it.
    fn approach(&mut self, target: Target, deadline: Instant) -> Result<(), Stop> {
        if let Some(byte) = target.position.end_byte.filter(|_| target.jumps && self.records.is_plain_file()) {
            return self.jump(target.position, byte);
        }
        let expected = target.position.records;
        while self.position.records < expected {
            let records = self.position.records;
            self.records.next().map_err(|stop| match stop {
                Stop::End => {
                    let what = format!("has {records} records, but the position is after record {expected}");
                    Stop::Failed(self.records.error(Kind::TooShort { records }, what))
                }
                _ => stop,
            })?;
            self.pass();
            if self.position.records.is_multiple_of(RECORDS_PER_LOOK) && Instant::now() >= deadline {
                return Err(Stop::Later);
            }
        }
        self.target = None;
        Ok(())
    }

    fn jump(&mut self, position: FilePosition, byte: u64) -> Result<(), Stop> {
        match self.records.jump(byte)? {
            Landing::Line => (self.position, self.target) = (position, None),
            Landing::WithinLine => {
                let what = "the position is within a line: this is another file, or its last line has grown";
                return Err(Stop::Failed(self.records.error(Kind::Position, what).at(Place::Byte(byte))));
            }
            // A shorter file may be the same in another form, as with other line ends. Its records are counted.
            Landing::PastEnd => {
                self.restart().map_err(Stop::Failed)?;
                self.target = Some(Target { position, jumps: false });
            }
        }
        Ok(())
    }

    fn add_record(&mut self, batch: &mut Batch) -> Result<(), Stop> {
        self.records.next()?;
        let width = self.records.width();
        let columns = match self.schema.as_deref() {
            Some(Schema::Fields(names)) => names.len(),
            _ => width,
        };
        if width != columns {
            let what = format!("{width} fields where the header has {columns}");
            return Err(Stop::Failed(self.records.error(Kind::Record, what).at(self.records.place())));
        }
        batch.push(self.records.fields());
        self.pass();
        Ok(())
    }

    /// Adds records until there is no room, no time, or no record.
    fn add_records(&mut self, batch: &mut Batch, deadline: Instant) -> Result<(), Stop> {
        let mut added = 0_u64;
        while batch.has_room() {
            match (&self.state, self.target) {
                (State::Failed(error), _) => return Err(Stop::Failed(error.clone())),
                (State::Start, _) => self.read_header()?,
                (_, Some(target)) => self.approach(target, deadline)?,
                (State::End, None) => return Err(Stop::End),
                (State::Records, None) => {
                    self.add_record(batch)?;
                    added += 1;
                    if added == 1 {
                        // From here on only what is at hand.
                        self.records.set_deadline(Instant::now());
                    } else if added.is_multiple_of(RECORDS_PER_LOOK) && Instant::now() >= deadline {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Reader for FileReader {
    fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    fn position(&self) -> Position {
        self.target.map_or(self.position, |target| target.position).into()
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        let refused =
            |reader: &Self, kind, what| Err(reader.records.error(kind, what).at(Place::Position(position.clone())));
        let Some(target) = FilePosition::read(position) else {
            return refused(self, Kind::Position, "is no position in a file");
        };
        if self.records.is_file() {
            self.restart()?;
        } else if target.records < self.position.records {
            return refused(self, Kind::Unsupported, "is behind: a pipe cannot go back");
        } else if matches!(self.state, State::End) {
            self.state = State::Records;
        }
        self.target = Some(Target { position: target, jumps: true });
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        let before = batch.count();
        self.records.set_deadline(deadline);
        let stopped = self.add_records(batch, deadline);
        match &stopped {
            Err(Stop::Failed(error)) => self.state = State::Failed(error.clone()),
            Err(Stop::End) => self.state = State::End,
            Ok(()) | Err(Stop::Later) => {}
        }
        match stopped {
            _ if batch.count() > before => Ok(Polled::Records),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::End) => Ok(Polled::End),
            Ok(()) | Err(Stop::Later) => Ok(Polled::Nothing),
        }
    }

    fn progress(&self) -> Progress {
        let Some(raw) = self.records.raw() else { return Progress::default() };
        Progress { read_bytes: raw.read_bytes(), total_bytes: raw.total_bytes(), lag_records: None }
    }
}
