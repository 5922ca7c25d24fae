//! How far a partition of an input is consumed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use alluvium_connectors::source::{Partition, Position, Schema};

use super::bookmarks::Bookmark;
use super::reading::Open;

/// How many files that were left are remembered for a partition, also in the checkpoints.
const LEFT_MAX: usize = 64;

/// How a partition is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has no end, as far as is known: its records are taken as they arrive.
    Live,
    /// The same, and it is a file among many.
    Followed,
    /// It ends, and cannot go back.
    Pipe,
    /// It ends.
    File,
    /// It ends, and is read after the partition before it.
    InTurn,
}

impl Kind {
    /// Whether its records are taken as they arrive.
    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::Live | Self::Followed)
    }
}

/// How far a partition is consumed.
pub(super) struct Cursor {
    /// The number of the input, as the plugin counts them.
    pub(super) input: usize,
    pub(super) input_name: String,
    /// The column of event times; empty for none.
    pub(super) time_column: String,
    /// What errors call the source.
    pub(super) source_name: String,
    pub(super) partition: Partition,
    pub(super) bookmark: Option<Bookmark>,
    /// How the records look now.
    pub(super) schema: Option<Arc<Schema>>,
    /// Whether its columns come up as records do.
    pub(super) finds_columns: bool,
    pub(super) kind: Kind,
    /// Its size, if that is known.
    pub(super) total_bytes: Option<u64>,
    pub(super) read_bytes: u64,
    /// Records consumed by this run.
    pub(super) consumed_now: u64,
    /// Whether its end was reached.
    pub(super) has_ended: bool,
    /// The number of its place in the order of the inputs, if it is not live.
    pub(super) lane: Option<usize>,
    /// When records of it were consumed last, or when it was opened.
    pub(super) last_read: Instant,
    /// Records left out because they could not be read, and because the plugin refused them.
    pub(super) unreadable: u64,
    pub(super) refused: u64,
    /// The ends of the files that were read before the present one, the newest first.
    pub(super) left: VecDeque<Position>,
    /// Opens its reader, until reading begins.
    pub(super) open: Option<Open>,
}

impl Cursor {
    /// Records consumed, by earlier runs too.
    pub(super) fn consumed(&self) -> u64 {
        self.bookmark.as_ref().map_or(0, |bookmark| bookmark.records)
    }

    /// Takes note of the ends of files that were left for the next one.
    pub(super) fn note_left(&mut self, ends: &[Position]) {
        for end in ends {
            self.left.push_front(end.clone());
        }
        self.left.truncate(LEFT_MAX);
    }

    /// The largest event time, of earlier runs too.
    pub(super) fn time_ms(&self) -> Option<i64> {
        self.bookmark.as_ref().and_then(|bookmark| bookmark.time_ms)
    }
}
