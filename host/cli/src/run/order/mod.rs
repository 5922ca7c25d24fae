//! In which order several inputs that end are taken.
//!
//! Such an input is a lane. A lane is taken in blocks of [`BLOCK`] records, counted from its beginning. After a
//! block, the lane comes next that is furthest behind in event time: the one whose next block begins with the least.
//! So the order follows from what is in the inputs. It does not depend on how fast they are read or how readers cut
//! batches, and the positions in a checkpoint suffice to continue it: at most one lane is within a block.

mod lane;
#[cfg(test)]
mod tests;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::reading::{Message, WAITING_MAX, What};

pub(super) use lane::Lane;

/// How many records are taken of a lane before another may come: enough for the plugin to work in batches, few enough
/// for lanes to stay close in time.
pub(super) const BLOCK: u64 = 200;

/// The lanes, in the order of the inputs.
#[derive(Default)]
pub(super) struct Order {
    lanes: Vec<Lane>,
}

impl Order {
    /// Adds a lane. Returns its number.
    pub(super) fn add(&mut self, lane: Lane) -> usize {
        self.lanes.push(lane);
        self.lanes.len() - 1
    }

    pub(super) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    pub(super) fn lane_mut(&mut self, number: usize) -> &mut Lane {
        &mut self.lanes[number]
    }

    /// Whether there is something to be ordered.
    pub(super) fn is_of_several(&self) -> bool {
        self.lanes.len() > 1
    }

    /// Begins to read a lane. Its reader takes a credit for each message, and gets it back when the message is taken:
    /// so a lane that must wait for others does not read ahead without end.
    pub(super) fn begin(&mut self, number: usize) -> SyncSender<()> {
        let (sender, receiver): (_, Receiver<()>) = sync_channel(WAITING_MAX);
        self.lanes[number].credits = Some(receiver);
        sender
    }

    /// Whether no lane is within a block. Between blocks, what is consumed follows from what is in the inputs.
    pub(super) fn is_between_blocks(&self) -> bool {
        !self.is_of_several() || !self.lanes.iter().any(Lane::is_within_block)
    }

    /// Puts a message where its turn is waited for.
    pub(super) fn put(&mut self, number: usize, message: Message) {
        self.lanes[number].put(message);
    }

    /// Takes the message whose turn it is. Returns none if it has not come yet.
    ///
    /// A pipe that has been quiet for so long as `idle` says is passed.
    pub(super) fn take(&mut self, idle: Option<Duration>) -> Option<Message> {
        let is_waited_for = |lane: &Lane| !lane.is_over && !lane.is_quiet(idle);
        let within = |lane: &Lane| lane.is_within_block() && (!lane.waiting.is_empty() || is_waited_for(lane));
        if let Some(lane) = self.lanes.iter_mut().find(|lane| within(lane)) {
            return lane.take();
        }
        // What the next block of each lane begins with must be known, or that there is none.
        for lane in &mut self.lanes {
            match lane.waiting.front() {
                Some(Message { what: What::Read(_), .. }) => {}
                Some(_) => return lane.take(),
                None if is_waited_for(lane) => return None,
                None => {}
            }
        }
        // Of equal ones the first is taken.
        let ready = self.lanes.iter_mut().filter_map(|lane| Some((lane.rank()?, lane)));
        ready.min_by_key(|(rank, _)| *rank)?.1.take()
    }

    /// After a signal: takes what cannot be read again, in the order of the lanes. The rest is dropped.
    pub(super) fn take_rest(&mut self) -> Option<Message> {
        let is_only = !self.is_of_several();
        for lane in &mut self.lanes {
            while let Some(message) = lane.take() {
                if is_only || lane.is_pipe {
                    return Some(message);
                }
            }
        }
        None
    }
}
