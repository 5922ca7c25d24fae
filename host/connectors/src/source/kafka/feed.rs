//! The thread that gets messages for a reader, from one session to the next.

use std::sync::Arc;
use std::time::Instant;

use super::position::At;
use super::queue::Queue;
use crate::kafka::{KafkaServer, Topic, Trouble};
use crate::retry::Outage;
use crate::source::panicked::IfPanicked;
use crate::source::{Gaps, Place, SourceError, SourceErrorKind as Kind};

/// What is read.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub(super) server: KafkaServer,
    pub(super) topic: Topic,
    pub(super) gaps: Gaps,
}

/// Why a session ended.
pub(super) enum End {
    Trouble(Trouble),
    /// Reading cannot be continued.
    Failed(SourceError),
    /// The reader needs it no more.
    Closed,
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Feed {
    pub(super) fn error(&self, kind: Kind, what: impl Into<String>) -> SourceError {
        SourceError::new(kind, self.topic.to_string(), what)
    }

    /// The error of a position that the partition does not have.
    pub(super) fn misplaced(&self, kind: Kind, at: &At, what: impl Into<String>) -> End {
        End::Failed(self.error(kind, what).at(Place::Position(at.into())))
    }

    fn troubled(&self, trouble: &Trouble) -> SourceError {
        super::troubled(&self.server, &self.topic.to_string(), trouble)
    }

    /// Starts to get messages behind a place. Closing the queue ends it.
    pub(super) fn start(&self, at: At) -> Result<Arc<Queue>, SourceError> {
        let queue = Arc::new(Queue::default());
        let (feed, filled) = (self.clone(), Arc::clone(&queue));
        let thread = std::thread::Builder::new().name("alluvium-kafka".to_owned());
        thread
            .spawn(move || feed.run(at, &filled))
            .map_err(|error| SourceError::io(Kind::Open, self.topic.to_string(), error))?;
        Ok(queue)
    }

    fn run(&self, mut at: At, queue: &Queue) {
        let _told = IfPanicked::tell(self.topic.to_string(), |error| queue.fail(error));
        let mut outage = Outage::new(self.server.retries());
        loop {
            let trouble = match self.session(&mut at, queue, &mut outage) {
                End::Closed => return,
                End::Failed(error) => return queue.fail(error),
                End::Trouble(trouble @ Trouble::Lost(_)) => trouble,
                End::Trouble(trouble) => return queue.fail(self.troubled(&trouble)),
            };
            queue.cut_off(true);
            let now = Instant::now();
            let pause = outage.failed(now);
            if outage.is_too_long(now) {
                queue.fail(self.troubled(&trouble));
            }
            queue.wait_for_close(now + pause);
            if queue.is_closed() {
                return;
            }
        }
    }
}
