//! The task that gets records for a reader, from one session to the next.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::http::{Failure, Shared};
use crate::retry::Outage;
use crate::source::panicked::IfPanicked;
use crate::source::queue::Queue;
use crate::source::{Position, SourceError, SourceErrorKind as Kind};
use crate::trouble::Trouble;

/// A stream that is followed over HTTP.
pub(super) trait Follow: Clone + Send + Sync + 'static {
    /// Where a reader of it is.
    type At: Clone + Send + Into<Position> + 'static;

    /// What errors call it.
    const WHAT: &'static str;

    /// Returns the position before the first record.
    fn start() -> Self::At;

    /// Reads a position.
    fn read(position: &Position) -> Option<Self::At>;

    /// Returns how many records are before a position.
    fn records(at: &Self::At) -> u64;

    fn name(&self) -> &str;

    fn shared(&self) -> &Shared;

    /// Gets records behind the position, which moves with them.
    fn session(
        &self,
        at: &mut Self::At,
        queue: &Queue<Self::At>,
        outage: &mut Outage,
    ) -> impl Future<Output = End> + Send;
}

/// Why a session ended.
pub(super) enum End {
    Failure(Failure),
    /// The server has closed the connection, and the next one begins after a pause.
    Pause(Duration),
    /// Reading cannot be continued.
    Failed(SourceError),
    /// No more records will come, but for what may be half of one.
    Complete(Bytes),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> Self {
        Self::Failure(trouble.into())
    }
}

/// Gets records after a position until it cannot continue. The reader ends it.
pub(super) async fn run<F: Follow>(feed: F, mut at: F::At, queue: Arc<Queue<F::At>>) {
    let _told = IfPanicked::tell(feed.name(), |error| queue.fail(error));
    let mut outage = Outage::new(feed.shared().endpoint().retries());
    loop {
        let failure = match feed.session(&mut at, &queue, &mut outage).await {
            End::Failed(error) => return queue.fail(error),
            End::Complete(unfinished) => return queue.end(unfinished),
            End::Pause(pause) => {
                tokio::time::sleep(pause).await;
                continue;
            }
            End::Failure(failure) => failure,
        };
        let error = match (&failure.trouble, failure.trouble.as_io()) {
            (Trouble::Lost(what), Some(error)) => SourceError::io(Kind::Io, feed.name(), error).says(what),
            (Trouble::Lost(what) | Trouble::Refused(what), _) => {
                return queue.fail(SourceError::new(Kind::Open, feed.name(), what));
            }
        };
        queue.cut_off(true);
        let now = Instant::now();
        let pause = outage.failed_until(now, failure.retry_after);
        if outage.is_too_long(now) {
            queue.fail(error);
        }
        tokio::time::sleep(pause).await;
    }
}
