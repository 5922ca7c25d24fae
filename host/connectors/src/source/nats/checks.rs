//! What a stream must be for reading to continue in it.

use async_nats::jetstream::stream::{Info, RawMessageErrorKind, RetentionPolicy, Stream};

use super::feed::{End, Feed};
use super::position::At;
use super::session::Cursor;
use crate::nats::nanoseconds;
use crate::source::{Gaps, SourceErrorKind as Kind};
use crate::trouble::Trouble;

impl Feed {
    /// Refuses streams that delete what was delivered.
    pub(super) fn check_retention(&self, info: &Info) -> Result<(), End> {
        let what = match info.config.retention {
            RetentionPolicy::Limits => return Ok(()),
            RetentionPolicy::WorkQueue => "a work queue",
            RetentionPolicy::Interest => "interest",
        };
        let what =
            format!("its retention is that of {what}: what was read is deleted, and a checkpoint needs it again");
        Err(End::Failed(self.error(Kind::Unsupported, what)))
    }

    /// The sequence that follows, or that reading begins with.
    pub(super) fn first(&self, sequence: u64) -> u64 {
        sequence.saturating_add(1).max(self.start_sequence)
    }

    /// The stream is the one of the position, and has the message that was read last.
    pub(super) async fn check_position(&self, stream: &Stream, info: &Info, at: At) -> Result<(), End> {
        if at.sequence == 0 {
            return Ok(());
        }
        if nanoseconds(info.created) != at.created {
            let what = format!("the stream was created at {}, after the position was read in another", info.created);
            return Err(self.misplaced(Kind::Position, at, what));
        }
        if info.state.last_sequence < at.sequence {
            let records = info.state.messages;
            let what = format!(
                "the stream ends at {}: its server has lost messages, or went back to a copy",
                info.state.last_sequence
            );
            return Err(self.misplaced(Kind::TooShort { records }, at, what));
        }
        match stream.get_raw_message(at.sequence).await {
            Ok(message) if nanoseconds(message.time) == at.stored => Ok(()),
            Ok(message) => {
                let what = format!(
                    "message {} was stored at {} and is not the one that was read: its server has lost messages, or \
                     went back to a copy",
                    at.sequence, message.time
                );
                Err(self.misplaced(Kind::Position, at, what))
            }
            // Retention may delete what was read.
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(()),
            Err(error) => Err(Trouble::lost(&error).into()),
        }
    }

    /// No message between the cursor and `next` was deleted by retention before it was read.
    pub(super) fn check_gap(&self, info: &Info, cursor: Cursor, next: Option<u64>) -> Result<(), End> {
        let begins_with_the_oldest = cursor.complete == 0 && self.start_sequence <= 1;
        // Such a stream keeps the newest messages of each subject, and the others are not missed.
        let keeps_the_newest = info.config.max_messages_per_subject > 0;
        if self.gaps == Gaps::Skip || begins_with_the_oldest || keeps_the_newest {
            return Ok(());
        }
        let first = self.first(cursor.complete);
        let there = next.unwrap_or(u64::MAX).min(info.state.first_sequence);
        let Some(lost) = there.checked_sub(first).filter(|lost| *lost > 0) else { return Ok(()) };
        let which = if self.subject.is_empty() { String::new() } else { format!(", at most, of {:?}", self.subject) };
        let what = format!(
            "{lost} messages{which} are lost: the stream deleted {first} to {} before they were read",
            there - 1
        );
        Err(self.misplaced(Kind::Gone { records: lost }, cursor.at, what))
    }
}
