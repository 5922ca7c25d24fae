//! Reading a text from a position on.

use std::sync::Arc;
use std::time::Instant;

use super::follow::Followed;
use super::format::Format;
use super::options::Options;
use super::position::FilePosition;
use super::raw::Raw;
use super::records::{Records, Stop};
use super::seeking::Target;
use crate::batch::Batch;
use crate::source::{Place, Polled, Position, Progress, Reader, Schema, SourceError, SourceErrorKind as Kind};

/// After how many records the clock is looked at.
pub(super) const RECORDS_PER_LOOK: u64 = 256;

/// Reads a text. Nothing else reads through its descriptor.
pub(super) struct FileReader {
    pub(super) records: Records,
    options: Options,
    schema: Option<Arc<Schema>>,
    state: State,
    /// The position that it is on the way to.
    pub(super) target: Option<Target>,
    /// How many records of the text were handed out or passed over.
    pub(super) passed: u64,
    /// The position at the end of the file before, until a record of this one was passed.
    pub(super) held: Option<FilePosition>,
    pub(super) is_file: bool,
    pub(super) followed: Option<Followed>,
    /// Everything that a followed file had was read. It may be another file before more is read.
    is_caught_up: bool,
    progress: Progress,
}

enum State {
    /// The header comes next.
    Start,
    /// The header was read, and records with these fields come next.
    Header(Arc<Schema>),
    /// Records come next.
    Records,
    End,
    Failed(SourceError),
}

impl FileReader {
    pub(super) fn new(name: String, raw: Raw, options: Options, followed: Option<Followed>) -> Self {
        let is_file = raw.is_file();
        let (state, schema) = Self::start(options.format);
        let progress = Progress { total_bytes: raw.total_bytes(), ..Progress::default() };
        let mut records = Records::new(name, raw, options);
        records.set_grows(followed.is_some());
        Self {
            records,
            options,
            schema,
            state,
            target: None,
            passed: 0,
            held: None,
            is_file,
            followed,
            is_caught_up: false,
            progress,
        }
    }

    /// What comes first.
    fn start(format: Format) -> (State, Option<Arc<Schema>>) {
        match format {
            Format::Csv(_) => (State::Start, None),
            Format::Lines => (State::Records, Some(Arc::new(Schema::Raw))),
        }
    }

    pub(super) fn restart(&mut self) -> Result<(), SourceError> {
        self.records.restart()?;
        self.begin();
        Ok(())
    }

    /// Before the first record of a text. The schema stays until another is read.
    pub(super) fn begin(&mut self) {
        self.records.set_grows(self.followed.is_some());
        self.is_caught_up = false;
        self.state = Self::start(self.options.format).0;
        self.passed = 0;
    }

    /// The position after the last record that was handed out or passed over.
    pub(super) fn here(&self) -> FilePosition {
        if let Some(held) = self.held {
            return held;
        }
        let text = self.records.passed();
        let known = self.passed > 0;
        FilePosition {
            records: self.passed,
            end_byte: known.then(|| text.byte()),
            fingerprint: known.then(|| text.fingerprint()),
        }
    }

    /// Takes note that the last record is before the position now.
    pub(super) fn pass(&mut self) {
        self.records.pass();
        self.passed += 1;
        self.held = None;
    }

    fn read_header(&mut self) -> Result<(), Stop> {
        let refused = |reader: &Self, what| Stop::Failed(reader.records.error(Kind::Header, what));
        self.records.next().map_err(|stop| match stop {
            Stop::End if self.followed.is_none() => refused(self, "is empty"),
            _ => stop,
        })?;
        let names = self.records.fields().map(|name| std::str::from_utf8(name).map(ToOwned::to_owned));
        let names = names.collect::<Result<Vec<_>, _>>();
        let schema = Schema::Fields(names.map_err(|_| refused(self, "the header is not UTF-8 text"))?);
        self.records.pass();
        self.state = State::Header(Arc::new(schema));
        Ok(())
    }

    fn add_record(&mut self, batch: &mut Batch) -> Result<(), Stop> {
        self.records.next()?;
        if self.records.is_unfinished() && self.is_file && self.records.is_plain_file() {
            // A file that is followed ends only when another one has taken its place.
            if self.followed.is_none() && !self.options.is_final {
                return Err(Stop::End);
            }
        }
        self.check_width().map_err(Stop::Failed)?;
        batch.push(self.records.fields());
        self.pass();
        Ok(())
    }

    fn check_width(&mut self) -> Result<(), SourceError> {
        let width = self.records.width();
        let columns = match self.schema.as_deref() {
            Some(Schema::Fields(names)) => names.len(),
            _ => width,
        };
        if width == columns {
            return Ok(());
        }
        let place = self.records.place();
        let what = format!("{width} fields where the header has {columns}");
        Err(self.records.error(Kind::Record, what).at(place))
    }

    /// Adds records until there is no room, no time, or no record.
    fn add_records(&mut self, batch: &mut Batch, deadline: Instant) -> Result<(), Stop> {
        let mut added = 0_u64;
        while batch.has_room() {
            let done = match (&self.state, self.target) {
                (State::Failed(error), _) => return Err(Stop::Failed(error.clone())),
                _ if self.is_caught_up => {
                    self.wait_for_more(deadline)?;
                    self.is_caught_up = false;
                    Ok(())
                }
                // So that a position at the end of a file is handed out.
                (State::Start, _) if added > 0 => break,
                (State::Start, _) => self.read_header(),
                (State::Header(found), _) => {
                    let found = Arc::clone(found);
                    if !batch.is_empty() && self.schema.as_ref().is_some_and(|known| *known != found) {
                        batch.close();
                        break;
                    }
                    (self.schema, self.state) = (Some(found), State::Records);
                    Ok(())
                }
                (_, Some(target)) => self.approach(target, deadline),
                (State::End, None) => return Err(Stop::End),
                (State::Records, None) => self.add_record(batch).inspect(|()| added += 1),
            };
            match done {
                Ok(()) => {}
                Err(Stop::CaughtUp) => {
                    let is_found = self.target.map_or(Ok(false), |target| self.find_rotated(target))?;
                    self.is_caught_up = !is_found;
                    if added > 0 {
                        break;
                    }
                }
                Err(Stop::Changed) => self.find_copy()?,
                Err(Stop::End) if self.followed.is_some() && self.is_file => {
                    self.next_file()?;
                    // So that a position at the end of a file is handed out.
                    if added > 0 {
                        break;
                    }
                }
                Err(stop) => return Err(stop),
            }
            if added == 1 {
                // From here on only what is at hand.
                self.records.set_deadline(Instant::now());
            } else if added > 0 && added.is_multiple_of(RECORDS_PER_LOOK) && Instant::now() >= deadline {
                break;
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
        self.target.map_or_else(|| self.here(), |target| target.position).into()
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        let refused =
            |reader: &Self, kind, what| Err(reader.records.error(kind, what).at(Place::Position(position.clone())));
        let Some(target) = FilePosition::read(position) else {
            return refused(self, Kind::Position, "is no position in a file");
        };
        if self.is_file {
            self.restart()?;
        } else if target.records < self.passed {
            return refused(self, Kind::Unsupported, "is behind: a pipe cannot go back");
        } else if matches!(self.state, State::End) {
            self.state = State::Records;
        }
        self.held = None;
        self.target = Some(Target { position: target, jumps: true, is_rotated: false });
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        let before = batch.count();
        self.records.set_deadline(deadline);
        let stopped = self.add_records(batch, deadline);
        if let Some(raw) = self.records.raw() {
            self.progress =
                Progress { read_bytes: raw.read_bytes(), total_bytes: raw.total_bytes(), ..Progress::default() };
        }
        match &stopped {
            Err(Stop::Failed(error)) => self.state = State::Failed(error.clone()),
            Err(Stop::End) => self.state = State::End,
            Ok(()) | Err(Stop::Later | Stop::CaughtUp | Stop::Changed) => {}
        }
        match stopped {
            _ if batch.count() > before => Ok(Polled::Records),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::End) => Ok(Polled::End),
            Ok(()) | Err(Stop::Later | Stop::CaughtUp | Stop::Changed) => Ok(Polled::Nothing),
        }
    }

    fn is_seekable(&self) -> bool {
        self.is_file
    }

    fn unfinished(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        if !matches!(self.state, State::End) || !self.records.is_unfinished() {
            return Ok(false);
        }
        self.check_width()?;
        batch.push(self.records.fields());
        Ok(true)
    }

    fn pass_over(&mut self) -> Option<Vec<u8>> {
        let State::Failed(error) = &self.state else { return None };
        if error.kind() != Kind::Record {
            return None;
        }
        let text = self.records.pass_over();
        self.passed += 1;
        (self.held, self.state) = (None, State::Records);
        Some(text)
    }

    fn place(&mut self) -> Option<Place> {
        (self.passed > 0).then(|| self.records.place_of_passed())
    }

    fn progress(&self) -> Progress {
        self.progress
    }
}
