//! What comes of the inputs, in the order in which it is taken.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::cursors::Cursors;
use super::reading::{Message, What};

/// What came within the time that was waited.
pub(super) enum Arrival {
    Message(Message),
    Nothing,
    /// All readers have ended, and all that they have said was taken.
    NoMore,
}

/// How long to wait, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) patience: Duration,
    /// How long a pipe may be quiet before it is passed.
    pub(super) idle: Option<Duration>,
    /// After a signal nothing is waited for.
    pub(super) is_stopping: bool,
}

impl Cursors {
    /// Returns the next message. What is live is taken as it arrives; inputs that end are taken in their order.
    pub(super) fn next(&mut self, messages: &Receiver<Message>, waiting: Waiting) -> Arrival {
        // A live input that never pauses leaves the others their turns.
        if self.was_live
            && let Some(message) = self.take_in_order(waiting)
        {
            return Arrival::Message(message);
        }
        // What has come is looked through before anything is waited for.
        let mut patience = Duration::ZERO;
        loop {
            match messages.recv_timeout(patience) {
                Ok(Message { from, what }) => match (self.get(from).lane, &what) {
                    (Some(lane), _) => {
                        self.order.put(lane, Message { from, what });
                        patience = Duration::ZERO;
                    }
                    (None, What::Over) => {}
                    (None, _) => {
                        self.was_live = true;
                        return Arrival::Message(Message { from, what });
                    }
                },
                Err(error) => {
                    if let Some(message) = self.take_in_order(waiting) {
                        return Arrival::Message(message);
                    }
                    if error == RecvTimeoutError::Disconnected {
                        return Arrival::NoMore;
                    }
                    if !patience.is_zero() {
                        return Arrival::Nothing;
                    }
                    patience = waiting.patience;
                    if patience.is_zero() {
                        return Arrival::Nothing;
                    }
                }
            }
        }
    }

    fn take_in_order(&mut self, waiting: Waiting) -> Option<Message> {
        let taken = if waiting.is_stopping { self.order.take_rest() } else { self.order.take(waiting.idle) };
        self.was_live &= taken.is_none();
        taken
    }

    /// Whether a checkpoint may be taken for the number of records consumed. Within a block of one of several inputs
    /// it would depend on how batches were cut.
    pub(super) fn may_count(&self) -> bool {
        self.was_live || self.order.is_between_blocks()
    }
}
