//! The epochs of a worker: it reads its partitions, and sends the records to their owners.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use timely::worker::Worker as TimelyWorker;

use crate::committer::Committer;
use crate::dataflow::{Dataflow, Sending, build};
use crate::error::ClusterError;
use crate::failure::Failure;
use crate::message::{Envelope, EpochEnd, Message};
use crate::operator::{Build, Router};
use crate::reading::Reading;
use crate::run::Job;
use crate::run::claim::Plan;
use crate::run::divide::divide;
use crate::stash::Stash;
use crate::storage::Storage;

/// How long a worker waits for something to do.
const PAUSE: Duration = Duration::from_millis(2);

impl<S: Storage, B: Build<S::Directory>> Job<S, B> {
    /// Reads the worker's partitions, epoch by epoch, and works until all epochs of the generation are committed.
    pub(super) fn epochs(
        &self,
        timely: &mut TimelyWorker,
        plan: &Plan,
        committer: Option<Committer>,
        has_grown: &AtomicBool,
        failure: &Failure,
        stash: &Rc<RefCell<Stash>>,
    ) -> Result<(), ClusterError> {
        let (own, workers) = (timely.index(), timely.peers());
        let Dataflow { mut input, probe } = build(timely, Rc::clone(stash), committer, failure);
        let mut reading = Vec::new();
        let all = (0..).zip(&plan.partitions).flat_map(|(input, names)| (0..).zip(names).map(move |at| (input, at)));
        for (at, (input, (partition, name))) in all.enumerate() {
            if at % workers == own {
                let from = &self.inputs[input as usize];
                let (position, leaves_out) = (&plan.manifest.position, self.options.leaves_out);
                let known_as = plan.known_as(input, name);
                reading.push(Reading::open((input, from), (partition, name), known_as, position, leaves_out)?);
            }
        }
        let mut router = self.operator.router()?;
        let first = plan.manifest.position.epoch + 1;
        let mut epoch = first;
        input.advance_to(epoch);
        let last = |epoch: u64| self.options.epochs_max.is_some_and(|most| epoch - first >= most);
        loop {
            if let Some(error) = failure.get() {
                return Err(error);
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(ClusterError::Stopped);
            }
            if stash.borrow().last().is_some() || last(epoch) {
                break;
            }
            // A worker reads only so far ahead of what is committed.
            if epoch - first >= self.options.ahead && probe.less_than(&(epoch - self.options.ahead + 1)) {
                timely.step_or_park(Some(PAUSE));
                continue;
            }
            self.read_epoch(&mut reading, &mut *router, timely, &mut input, failure, stash)?;
            let end = EpochEnd {
                partitions: reading.iter_mut().map(Reading::end_epoch).collect(),
                now_ms: (own == 0).then(now_ms),
                has_grown: own == 0 && has_grown.load(Ordering::Relaxed),
            };
            for to in 0..workers {
                let to = u32::try_from(to).unwrap_or(u32::MAX);
                input.send(Envelope { to, message: Message::End(end.clone()) });
            }
            epoch += 1;
            input.advance_to(epoch);
            timely.step();
        }
        input.close();
        while !probe.done() {
            failure.get().map_or(Ok(()), Err)?;
            timely.step_or_park(Some(PAUSE));
        }
        Ok(())
    }

    /// Reads an epoch of the worker's partitions and sends the records to their owners.
    fn read_epoch(
        &self,
        reading: &mut [Reading],
        router: &mut dyn Router,
        timely: &mut TimelyWorker,
        input: &mut Sending,
        failure: &Failure,
        stash: &RefCell<Stash>,
    ) -> Result<(), ClusterError> {
        let records = self.options.epoch_records;
        let begun = Instant::now();
        let interval = self.options.epoch_interval;
        while reading.iter().any(|partition| !partition.is_done(records)) {
            let mut found = false;
            for partition in reading.iter_mut().filter(|partition| !partition.is_done(records)) {
                if let Some(piece) = partition.read(records)? {
                    found = true;
                    let workers = u32::try_from(timely.peers()).unwrap_or(u32::MAX);
                    let mut unroutable = self.options.leaves_out.then(Vec::new);
                    for (to, piece) in divide(piece, router, workers, &mut unroutable)? {
                        input.send(Envelope { to, message: Message::Piece(piece) });
                    }
                    let mut left_out = partition.take_unreadable();
                    left_out.extend(unroutable.unwrap_or_default());
                    if !left_out.is_empty() {
                        input.send(Envelope { to: 0, message: Message::LeftOut(left_out) });
                    }
                }
            }
            if interval.is_some_and(|interval| begun.elapsed() >= interval) || stash.borrow().last().is_some() {
                break;
            }
            if failure.get().is_some() || self.stop.load(Ordering::Relaxed) {
                break;
            }
            if found {
                timely.step()
            } else {
                timely.step_or_park(Some(PAUSE))
            };
        }
        Ok(())
    }
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}
