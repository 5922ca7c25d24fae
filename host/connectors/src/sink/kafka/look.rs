//! Looking at what a partition shows.

use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers as _};

use super::mark::{HEADER, Mark};
use super::recovery::Look;
use crate::kafka::{Came, Consumer, Isolation, KafkaServer, Topic, Trouble};

const IDLE: Duration = Duration::from_millis(100);

/// How long the cluster waits for messages at the end of the partition.
const SOON: Duration = Duration::from_millis(10);

/// Looks at the partition, and at the messages of the sink behind an offset.
pub(super) fn look(server: &KafkaServer, topic: &Topic, sink: Option<(&str, u64)>) -> Result<Look, Trouble> {
    let all = Consumer::new(server, Isolation::Uncommitted, SOON)?;
    all.check(topic)?;
    let (first, end) = all.ends(topic)?;
    let mut look = Look { cluster: all.cluster(), first, end, number: None };
    let Some((id, base)) = sink.filter(|(_, base)| *base < end) else { return Ok(look) };
    let committed = Consumer::new(server, Isolation::Committed, SOON)?;
    if committed.ends(topic)?.1 < end {
        // The sink's own transaction is over by now, and it may be hidden behind the open one.
        let what = "another producer has an open transaction in the partition, which must end first";
        return Err(Trouble::Lost(what.to_owned()));
    }
    committed.read_from(topic, base.max(first))?;
    let mut heard = Instant::now();
    loop {
        match committed.poll(IDLE) {
            Came::Message(message) => {
                heard = Instant::now();
                if let Some(mark) = mark_of(&message).filter(|mark| mark.id == id) {
                    look.number = Some(mark.number);
                }
            }
            Came::End => return Ok(look),
            Came::OutOfRange => return Err(Trouble::Lost("the topic deletes messages meanwhile".to_owned())),
            Came::Trouble(trouble @ Trouble::Lost(_)) if heard.elapsed() > server.answer_time() => return Err(trouble),
            Came::Trouble(Trouble::Lost(_)) => {}
            Came::Trouble(trouble) => return Err(trouble),
            Came::Nothing if heard.elapsed() > server.answer_time() => {
                return Err(Trouble::Lost("no messages come".to_owned()));
            }
            Came::Nothing => {}
        }
    }
}

fn mark_of(message: &BorrowedMessage<'_>) -> Option<Mark> {
    let header = message.headers()?.iter().find(|header| header.key == HEADER)?;
    Mark::read(header.value?)
}
