//! The task that gets messages for a reader, from one session to the next.

use std::sync::Arc;
use std::time::Instant;

use super::position::{At, Seen};
use super::session::Cursor;
use crate::nats::Shared;
use crate::retry::Outage;
use crate::source::panicked::IfPanicked;
use crate::source::queue::Queue;
use crate::source::{Gaps, Place, SourceError, SourceErrorKind as Kind};
use crate::trouble::Trouble;

/// What is read, and from where.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub(super) shared: Arc<Shared>,
    pub(super) stream: String,
    /// Empty for the whole stream.
    pub(super) subject: String,
    pub(super) start_sequence: u64,
    pub(super) gaps: Gaps,
}

/// Why a session ended.
pub(super) enum End {
    Trouble(Trouble),
    /// Reading cannot be continued.
    Failed(SourceError),
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Feed {
    pub(super) fn error(&self, kind: Kind, what: impl Into<String>) -> SourceError {
        SourceError::new(kind, &self.stream, what)
    }

    /// The error of a position that the stream does not have.
    pub(super) fn misplaced(&self, kind: Kind, at: At, what: impl Into<String>) -> End {
        End::Failed(self.error(kind, what).at(Place::Position(at.into())))
    }

    fn troubled(&self, trouble: &Trouble) -> SourceError {
        let (Trouble::Lost(what) | Trouble::Refused(what)) = trouble;
        let what = format!("{}: {what}", self.shared.server());
        match trouble.as_io() {
            Some(error) => SourceError::io(Kind::Io, &self.stream, error).says(what),
            None => self.error(Kind::Open, what),
        }
    }

    /// Gets messages after a position until it cannot continue. The reader ends it.
    pub(super) async fn run(self, at: At, queue: Arc<Queue<Seen>>) {
        let _told = IfPanicked::tell(&*self.stream, |error| queue.fail(error));
        let mut cursor = Cursor { at, complete: at.sequence };
        let mut outage = Outage::new(self.shared.server().retries());
        loop {
            let trouble = match self.session(&mut cursor, &queue, &mut outage).await {
                End::Failed(error) => return queue.fail(error),
                End::Trouble(trouble @ Trouble::Refused(_)) => return queue.fail(self.troubled(&trouble)),
                End::Trouble(trouble) => trouble,
            };
            queue.cut_off(true);
            let now = Instant::now();
            let pause = outage.failed(now);
            if outage.is_too_long(now) {
                queue.fail(self.troubled(&trouble));
            }
            tokio::time::sleep(pause).await;
        }
    }
}
