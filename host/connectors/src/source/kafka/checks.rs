//! What a partition must be for reading to continue in it.

use std::sync::Arc;

use rdkafka::Message as _;
use rdkafka::message::BorrowedMessage;

use super::feed::{End, Feed};
use super::position::At;
use crate::source::{Gaps, SourceErrorKind as Kind};

/// Returns the place behind a message.
pub(super) fn behind(message: &BorrowedMessage<'_>, cluster: &Arc<str>) -> At {
    let offset = u64::try_from(message.offset()).unwrap_or_default();
    let stored = message.timestamp().to_millis().unwrap_or_default();
    At::behind(offset, cluster, stored, message.key().unwrap_or_default(), message.payload().unwrap_or_default())
}

impl Feed {
    /// Returns the offset at which reading begins: that of the message that was read last, if it is there.
    pub(super) fn first_offset(&self, at: &At, cluster: &str, ends: (u64, u64)) -> Result<u64, End> {
        let (first, _) = ends;
        let Some(read_last) = at.next.checked_sub(1) else { return Ok(first) };
        if *at.cluster != *cluster {
            let what = format!(
                "partition {} was read in the cluster {}, and {} is the cluster {cluster}: name the one of the \
                 checkpoint, or begin with a new state",
                self.topic.partition, at.cluster, self.server
            );
            return Err(self.misplaced(Kind::Position, at, what));
        }
        self.check_end(at, ends)?;
        if first > at.next && self.gaps == Gaps::Refuse {
            // Offsets may have been left out by transactions and by compaction.
            let lost = first - at.next;
            let what = format!(
                "up to {lost} messages of partition {} are lost: the topic deleted the offsets {} to {} before they \
                 were read; gaps=skip continues with the oldest that is there",
                self.topic.partition,
                at.next,
                first - 1
            );
            return Err(self.misplaced(Kind::Gone { records: lost }, at, what));
        }
        Ok(read_last.max(first))
    }

    /// The partition has the message that was read last.
    pub(super) fn check_end(&self, at: &At, (first, end): (u64, u64)) -> Result<(), End> {
        if end >= at.next {
            return Ok(());
        }
        let what = format!(
            "partition {} ends at offset {end}, before the offset {} of the position: its cluster has lost messages, or \
             the topic was deleted and created again; go back to an older checkpoint, or begin with a new state",
            self.topic.partition, at.next
        );
        Err(self.misplaced(Kind::TooShort { records: end - first.min(end) }, at, what))
    }

    /// The message at the offset that was read last is the one that was read.
    pub(super) fn check_last(&self, at: &At, found: &At) -> Result<(), End> {
        if at.stored == found.stored && at.checksum == found.checksum {
            return Ok(());
        }
        let what = format!(
            "the message at offset {} of partition {} is not the one that was read: its cluster has lost messages, or the \
             topic was deleted and created again; go back to an older checkpoint, or begin with a new state",
            found.next - 1,
            self.topic.partition
        );
        Err(self.misplaced(Kind::Position, at, what))
    }
}
