//! What of a token is published, by what the stream and the directory hold.

use super::header::Header;
use crate::sink::SinkErrorKind as Kind;

/// The last message of the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Last {
    None,
    /// It is one of a sink.
    Marked {
        id: String,
        /// How many records are published with it.
        number: u64,
        sequence: u64,
    },
    /// It is none of any sink.
    Foreign {
        sequence: u64,
    },
}

impl Last {
    /// Its sequence, or zero: what the server compares with what is expected.
    pub(super) fn sequence(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Marked { sequence, .. } | Self::Foreign { sequence } => *sequence,
        }
    }
}

/// What a look at the stream has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) last: Last,
    /// When the stream was created.
    pub(super) created: u64,
    /// The sequence of its last message of any subject.
    pub(super) end: u64,
    /// How many bytes a message may have.
    pub(super) message_bytes_max: usize,
}

/// Where a sink stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) id: String,
    /// How many of its records are published.
    pub(super) number: u64,
    /// The sequence of the last message of the subject, which the next message expects.
    pub(super) sequence: u64,
}

/// Why there is no standing.
pub(super) type Refusal = (Kind, String);

/// Finds out how many records are published, after a crash at any moment. `end` is how many the checkpoint stands
/// for.
pub(super) fn standing(end: u64, held: Option<&Header>, look: &Look) -> Result<Standing, Refusal> {
    let is_new = held.is_some_and(|held| held.created != look.created);
    if is_new {
        let what = "the stream was deleted and created again since records were published to it";
        return Err((Kind::Missing, what.to_owned()));
    }
    let sequence = look.last.sequence();
    let at = |id: &str, number| Ok(Standing { id: id.to_owned(), number, sequence });
    match (held, &look.last) {
        (Some(held), Last::Marked { id, number, .. }) if *id == held.id => at(id, *number),
        // Nothing was published since the epoch began.
        (Some(held), last) if last.sequence() == held.base => at(&held.id, held.first),
        // Retention deleted the last message, and no other came.
        (Some(held), Last::None) if look.end == held.base || held.first == end => at(&held.id, held.first),
        (Some(_), Last::None) => {
            let what = "no message of the subject is left, so it is not known which records were published";
            Err((Kind::Missing, what.to_owned()))
        }
        (Some(_), last) => Err(fenced(last)),
        (None, Last::Marked { id, number, .. }) => at(id, *number),
        (None, _) => Err((Kind::Missing, "neither the stream nor the directory knows this sink".to_owned())),
    }
}

/// Another writer has published to the subject.
pub(super) fn fenced(last: &Last) -> Refusal {
    let who = match last {
        Last::Marked { .. } => "another run",
        Last::None | Last::Foreign { .. } => "another program",
    };
    (
        Kind::Fenced,
        format!("message {} of the subject is from {who}: this sink must be its only writer", last.sequence()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(id: &str, number: u64, sequence: u64) -> Last {
        Last::Marked { id: id.to_owned(), number, sequence }
    }

    /// The number that is found, or the kind of refusal, for a token of the records 10 to 15.
    fn found(held: Option<(u64, u64)>, last: Last, end: u64) -> Result<u64, Kind> {
        let held = held.map(|(base, first)| Header { id: "me".to_owned(), created: 1, base, first });
        let look = Look { last, created: 1, end, message_bytes_max: 0 };
        let standing = standing(15, held.as_ref(), &look);
        standing.map(|standing| standing.number).map_err(|(kind, _)| kind)
    }

    #[test]
    fn every_state_after_a_crash_is_told_apart() {
        let epoch = Some((70, 10));
        // Published in part, wholly, and not at all.
        assert_eq!(found(epoch, marked("me", 12, 90), 95), Ok(12));
        assert_eq!(found(epoch, marked("me", 15, 93), 95), Ok(15));
        assert_eq!(found(epoch, marked("me", 10, 70), 95), Ok(10));
        // The first epoch of a run, behind messages of others, and with none.
        assert_eq!(found(Some((70, 10)), Last::Foreign { sequence: 70 }, 70), Ok(10));
        assert_eq!(found(Some((70, 10)), marked("other", 3, 70), 70), Ok(10));
        assert_eq!(found(Some((0, 10)), Last::None, 0), Ok(10));
        // The next epoch has begun, and only after this one was published.
        assert_eq!(found(Some((93, 15)), marked("me", 15, 93), 95), Ok(15));
        assert_eq!(found(Some((93, 15)), Last::None, 95), Ok(15));
        // Retention deleted the last message.
        assert_eq!(found(epoch, Last::None, 70), Ok(10));
        assert_eq!(found(epoch, Last::None, 95), Err(Kind::Missing));
        // Another writer.
        assert_eq!(found(epoch, Last::Foreign { sequence: 94 }, 95), Err(Kind::Fenced));
        assert_eq!(found(epoch, marked("other", 12, 94), 95), Err(Kind::Fenced));
        // The directory is lost.
        assert_eq!(found(None, marked("me", 15, 93), 95), Ok(15));
        assert_eq!(found(None, Last::Foreign { sequence: 94 }, 95), Err(Kind::Missing));
        assert_eq!(found(None, Last::None, 95), Err(Kind::Missing));
    }

    #[test]
    fn a_stream_that_was_created_again_is_refused() {
        let header = Header { id: "me".to_owned(), created: 1, base: 0, first: 10 };
        let look = Look { last: Last::None, created: 2, end: 0, message_bytes_max: 0 };
        assert_eq!(standing(15, Some(&header), &look).unwrap_err().0, Kind::Missing);
    }
}
