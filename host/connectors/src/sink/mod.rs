//! Where records go: visible with the checkpoint that they belong to, or not at all.
//!
//! A [`Sink`] takes part in a checkpoint in two steps. Before the commit, [`prepare`](Sink::prepare)
//! makes what was written durable where nothing outside sees it, and returns a token that goes into the
//! checkpoint. After the commit, [`publish`](Sink::publish) makes it visible. After a crash,
//! [`recover`](Sink::recover) gets the tokens of the recovered checkpoint, completes what they stand for
//! and drops the rest.
//!
//! To write elsewhere, implement the trait and run [`sink_suite`](crate::testing::sink_suite).

mod ends;
mod error;
mod file;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(any(feature = "http", feature = "kafka", feature = "nats"))]
mod outbox;
mod place;
#[cfg(any(feature = "http", feature = "kafka", feature = "nats"))]
mod token;
mod url;
#[cfg(any(feature = "http", feature = "kafka", feature = "nats"))]
mod waiting;
mod writer;

pub use error::{SinkError, SinkErrorKind};
pub use file::FileSink;
#[cfg(feature = "http")]
pub use http::{DurableStreamSink, HttpMethod, HttpSink, HttpSinkOptions};
#[cfg(feature = "kafka")]
pub use kafka::KafkaSink;
pub use memory::{MemorySink, MemoryTarget};
#[cfg(feature = "nats")]
pub use nats::JetStreamSink;
pub use place::{LocalPlace, SharedPlace, Superseded, WaitingPlace};
pub use url::{from_url, from_url_of_job};
pub use writer::WriterSink;

use crate::batch::Batch;
use crate::opaque::Opaque;

/// A receiver of records.
///
/// ```
/// use alluvium_connectors::Batch;
/// use alluvium_connectors::sink::{FileSink, Sink};
///
/// let scratch = tempfile::tempdir()?;
/// let path = scratch.path().join("alerts.ndjson");
/// let mut sink = FileSink::new(&path)?;
/// sink.recover(&[])?;                             // the tokens of the recovered checkpoint
///
/// sink.write(&Batch::of_raw([&br#"{"late":90}"#[..]]))?;
/// let token = sink.prepare()?;                   // durable, and not visible yet
/// assert!(!path.exists());
/// // … the checkpoint that holds the token is committed …
/// sink.publish(&token)?;
/// assert_eq!(std::fs::read(&path)?, b"{\"late\":90}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Tokens
///
/// A token stands for everything that was written before it and was not published when it was made. So a
/// token that no checkpoint holds, because the checkpoint failed, needs no answer: the next token stands
/// for its records too. Records may be written, and tokens made, while the checkpoint of an earlier token
/// is on its way. The same records written after the same tokens give the same token.
pub trait Sink: Send {
    /// Returns what errors call it, as the path of a file.
    fn name(&self) -> &str;

    /// Returns what it promises about a crash.
    fn guarantee(&self) -> Guarantee;

    /// Whether it must be told where records wait until they are published, before the first recovery.
    fn needs_place(&self) -> bool {
        false
    }

    /// Lets records wait in a place until they are published, if it [needs](Self::needs_place) one.
    fn wait_in(&mut self, place: Box<dyn WaitingPlace>) {
        drop(place);
    }

    /// Comes before anything else but [`wait_in`](Self::wait_in), with the tokens of this sink that the recovered checkpoint holds: none
    /// in a new directory, and more than one if several writers shared the work. Completes what they stand
    /// for, and drops everything else that was prepared. Returns, for each token, what it found. To
    /// recover again changes nothing.
    ///
    /// If the checkpoint is older than what is visible, the sink takes back what came later, or it refuses
    /// with [`Ahead`](SinkErrorKind::Ahead). A token of another sink is refused with
    /// [`Token`](SinkErrorKind::Token). A refusal changes nothing.
    fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError>;

    /// Takes records, in order. Nothing outside sees them yet, and a crash forgets them.
    fn write(&mut self, records: &Batch) -> Result<(), SinkError>;

    /// Before the commit: makes everything that was written durable, and still nothing outside sees it.
    /// The token must go into the checkpoint, unless it is empty or the guarantee is
    /// [`AtMostOnce`](Guarantee::AtMostOnce).
    fn prepare(&mut self) -> Result<Opaque, SinkError>;

    /// After the commit: makes visible what the token stands for, and nothing that was written later.
    /// Tokens come in the order in which they were made; some may be left out. To publish again changes
    /// nothing.
    fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError>;

    /// Drops everything that was not published, because the state goes back to the checkpoint of the last
    /// token that was published. Tokens that were made since are void.
    fn abort(&mut self) -> Result<(), SinkError>;

    /// Takes note that its output may have been moved away, as logs are. If it was, a new one begins with
    /// what is published next. It is called while no token waits for its commit.
    fn reopen(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Returns how many bytes of its output are visible, if it counts them.
    fn published_bytes(&self) -> Option<u64> {
        None
    }
}

/// What a sink promises about a crash at any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guarantee {
    /// Every record of a committed checkpoint becomes visible once.
    ExactlyOnce,
    /// Every record of a committed checkpoint becomes visible, some more than once.
    AtLeastOnce,
    /// No record becomes visible twice. Some may never be.
    AtMostOnce,
}

/// What recovery found about a committed token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publication {
    /// What it stands for was visible before.
    Before,
    /// What it stands for became visible now.
    Now,
}
