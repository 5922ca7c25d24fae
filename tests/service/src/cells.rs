//! The matrix: which source or sink, how the command ends, how fast records come, and what happens to the
//! other side. Each cell says what is expected.

use std::fmt::{Debug, Display, Formatter};

/// A kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is named as what it is")]
pub enum Source {
    CsvFile,
    GzipFile,
    ZstdFile,
    NdjsonFile,
    CsvFollowed,
    NdjsonFollowed,
    StandardInput,
    Fifo,
    TcpConnect,
    TcpListen,
    UnixConnect,
    UnixListen,
    JetStream,
    DurableStream,
    ServerSentEvents,
}

/// A kind of sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is named as what it is")]
pub enum Sink {
    File,
    RotatedFile,
    StandardOutput,
    JetStream,
    Http,
    DurableStream,
}

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// By itself, after so many records (`--stop-after`).
    Stopped,
    /// By `kill -9`.
    Killed,
    /// By SIGTERM.
    Terminated,
}

/// How records come when it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Load {
    /// None come, and all are durable.
    Idle,
    /// A few at a time.
    Slow,
    /// All of them at once.
    Full,
}

/// What happens to the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// It grows; a pipe has another writer, and an output that of somebody else.
    Grown,
    /// It is renamed, and another one created.
    Renamed,
    /// It is copied and cut short.
    CopiedAndCut,
    /// Another one is in its place.
    Replaced,
    /// Its server is killed and started again; a peer listens again.
    ServerRestarted,
    /// The connection is cut, and can be made again.
    ConnectionLost,
}

/// When it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// While the command runs, which is then interrupted.
    Running,
    /// While it does not run.
    Between,
}

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Every record counts once.
    Exact,
    /// An error that says all of these, and changes nothing. If another one begins in its place, the option is
    /// given that says so, and each of its records counts once.
    Refused {
        /// What it says.
        says: &'static [&'static str],
        /// The option that begins another one.
        then: Option<&'static [&'static str]>,
    },
}

/// What is in the row of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// A source, with any exact sink.
    Source(Source),
    /// A sink, with any source that can go back.
    Sink(Sink),
}

/// A cell of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as what it is")]
pub struct Cell {
    pub row: Row,
    pub end: End,
    pub load: Load,
    pub change: Change,
    pub when: When,
    pub expected: Expected,
}

/// The kinds of sources.
pub const SOURCES: [Source; 15] = [
    Source::CsvFile,
    Source::GzipFile,
    Source::ZstdFile,
    Source::NdjsonFile,
    Source::CsvFollowed,
    Source::NdjsonFollowed,
    Source::StandardInput,
    Source::Fifo,
    Source::TcpConnect,
    Source::TcpListen,
    Source::UnixConnect,
    Source::UnixListen,
    Source::JetStream,
    Source::DurableStream,
    Source::ServerSentEvents,
];

/// The kinds of sinks.
pub const SINKS: [Sink; 6] =
    [Sink::File, Sink::RotatedFile, Sink::StandardOutput, Sink::JetStream, Sink::Http, Sink::DurableStream];

/// The ways to end.
pub const ENDS: [End; 3] = [End::Stopped, End::Killed, End::Terminated];

/// The ways in which records come.
pub const LOADS: [Load; 3] = [Load::Idle, Load::Slow, Load::Full];

const EXACT: Expected = Expected::Exact;

/// What a source answers if something else is in its place, with what is to be said then.
const fn refused(says: &'static [&'static str]) -> Expected {
    Expected::Refused { says, then: None }
}

/// The files that are refused are read from their beginning when that is asked for.
const ANOTHER_FILE: Expected = Expected::Refused { says: &["--resume next"], then: Some(&["--resume", "next"]) };

impl Source {
    /// Whether it has no end, so that the command can be idle.
    pub fn is_endless(self) -> bool {
        !matches!(self, Self::CsvFile | Self::GzipFile | Self::ZstdFile | Self::NdjsonFile)
    }

    /// Whether it continues after a crash without being told how.
    pub fn can_go_back(self) -> bool {
        !matches!(
            self,
            Self::StandardInput
                | Self::Fifo
                | Self::TcpConnect
                | Self::TcpListen
                | Self::UnixConnect
                | Self::UnixListen
        )
    }

    /// What may happen to it, and what is expected then.
    fn changes(self, load: Load) -> Vec<(Change, When, Expected)> {
        use Change::{ConnectionLost, CopiedAndCut, Grown, Nothing, Renamed, Replaced, ServerRestarted};
        use When::{Between, Running};
        let mut all = vec![(Nothing, Running, EXACT)];
        let more: &[(Change, When, Expected)] = match self {
            Self::CsvFile | Self::GzipFile | Self::ZstdFile | Self::NdjsonFile => &[
                (Grown, Running, EXACT),
                (Grown, Between, EXACT),
                (Renamed, Between, ANOTHER_FILE),
                (CopiedAndCut, Between, ANOTHER_FILE),
                (Replaced, Between, ANOTHER_FILE),
            ],
            Self::CsvFollowed | Self::NdjsonFollowed => &[
                (Grown, Running, EXACT),
                (Grown, Between, EXACT),
                (Renamed, Running, EXACT),
                (Renamed, Between, EXACT),
                (CopiedAndCut, Running, EXACT),
                (CopiedAndCut, Between, EXACT),
                (Replaced, Between, ANOTHER_FILE),
            ],
            Self::StandardInput => &[(Replaced, Between, refused(&["standard input", "is another file"]))],
            Self::Fifo => &[
                (Grown, Running, EXACT),
                (ConnectionLost, Running, EXACT),
                (Replaced, Between, refused(&["is another file"])),
            ],
            Self::TcpConnect | Self::UnixConnect => &[
                (ConnectionLost, Running, EXACT),
                (ServerRestarted, Running, EXACT),
                (ServerRestarted, Between, EXACT),
                (Replaced, Between, refused(&["records, but the checkpoint in", "has consumed"])),
            ],
            Self::TcpListen | Self::UnixListen => &[
                (ConnectionLost, Running, EXACT),
                (Replaced, Between, refused(&["records, but the checkpoint in", "has consumed"])),
            ],
            Self::JetStream => &[
                (ConnectionLost, Running, EXACT),
                (ServerRestarted, Running, EXACT),
                (ServerRestarted, Between, EXACT),
                (Replaced, Between, refused(&["stream"])),
            ],
            Self::DurableStream => &[
                (ConnectionLost, Running, EXACT),
                (ServerRestarted, Running, EXACT),
                (ServerRestarted, Between, EXACT),
                (Replaced, Between, refused(&["another"])),
            ],
            Self::ServerSentEvents => &[
                (ConnectionLost, Running, EXACT),
                (ServerRestarted, Running, EXACT),
                (ServerRestarted, Between, EXACT),
                (Replaced, Between, refused(&["409", "there is no such event"])),
            ],
        };
        all.extend_from_slice(more);
        // Its reader holds the file that was there until all of it is read. What was not read is gone.
        if matches!(self, Self::CsvFollowed | Self::NdjsonFollowed) && load == Load::Idle {
            all.push((Replaced, Running, EXACT));
        }
        all
    }
}

impl Sink {
    fn changes(self, end: End, load: Load) -> Vec<(Change, When, Expected)> {
        use Change::{ConnectionLost, CopiedAndCut, Grown, Nothing, Renamed, Replaced, ServerRestarted};
        use When::{Between, Running};
        let mut all = vec![(Nothing, Running, EXACT)];
        let new_output = Expected::Refused { says: &["--new-output"], then: Some(&["--new-output"]) };
        let more: &[(Change, When, Expected)] = match self {
            Self::File => &[
                (Renamed, Running, EXACT),
                (Renamed, Between, new_output),
                (Replaced, Between, refused(&["is another file"])),
                (CopiedAndCut, Between, refused(&["--new-output"])),
                // The file is the sink's: it ends with what the checkpoint stands for.
                (Grown, Between, EXACT),
            ],
            Self::RotatedFile => &[(Renamed, Running, EXACT)],
            Self::StandardOutput => &[],
            Self::JetStream => &[
                (ConnectionLost, Running, EXACT),
                (ServerRestarted, Running, EXACT),
                (ServerRestarted, Between, EXACT),
                (Grown, Between, refused(&["another"])),
                (Replaced, Between, refused(&["was deleted and created again"])),
            ],
            Self::Http => &[
                (ConnectionLost, Running, EXACT),
                (ServerRestarted, Running, EXACT),
                (ServerRestarted, Between, EXACT),
            ],
            Self::DurableStream => &[(ConnectionLost, Running, EXACT)],
        };
        all.extend_from_slice(more);
        // The server stores records and what it knows of producers in two steps, so it is killed at rest.
        if self == Self::DurableStream && load == Load::Idle {
            all.push((ServerRestarted, Running, EXACT));
        }
        if self == Self::DurableStream && (load == Load::Idle || end != End::Killed) {
            all.push((ServerRestarted, Between, EXACT));
        }
        all
    }
}

/// Returns every cell.
pub fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for end in ENDS {
        for load in LOADS {
            for source in SOURCES {
                // A file that is read to its end is never idle, and the command does not wait for a slow one.
                if source.is_endless() || load == Load::Full {
                    let changes = source.changes(load).into_iter();
                    let row = Row::Source(source);
                    cells.extend(changes.map(|(change, when, expected)| Cell {
                        row,
                        end,
                        load,
                        change,
                        when,
                        expected,
                    }));
                }
            }
            for sink in SINKS {
                let changes = sink.changes(end, load).into_iter();
                let row = Row::Sink(sink);
                cells.extend(changes.map(|(change, when, expected)| Cell { row, end, load, change, when, expected }));
            }
        }
    }
    cells
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source(source) => write!(f, "from {source:?}"),
            Self::Sink(sink) => write!(f, "to {sink:?}"),
        }
    }
}

impl Display for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { row, end, load, change, when, .. } = self;
        let when = if *change == Change::Nothing { String::new() } else { format!(" {when:?}") };
        write!(f, "{row}, {end:?}, {load:?}, {change:?}{when}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cell_has_a_name_of_its_own_and_every_value_a_cell() {
        let cells = all();
        let names: BTreeSet<String> = cells.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), cells.len());
        let values = |value: &dyn Fn(&Cell) -> String| cells.iter().map(value).collect::<BTreeSet<_>>().len();
        assert_eq!(values(&|cell| cell.row.to_string()), SOURCES.len() + SINKS.len());
        assert_eq!(values(&|cell| format!("{:?}", (cell.end, cell.load))), 9);
        assert_eq!(values(&|cell| format!("{:?}", cell.change)), 7);
    }
}
