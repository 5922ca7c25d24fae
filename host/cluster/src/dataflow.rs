//! The dataflow of one worker, on Timely: records go to their owners, and parts to the worker that commits.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::Operator as _;
use timely::dataflow::operators::{Capability, Input as _, Probe as _};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker as TimelyWorker;

use crate::committer::{Committer, Request};
use crate::failure::Failure;
use crate::message::{Envelope, PartDone};
use crate::stash::Stash;

/// How often what is being written is asked for.
const LOOK: Duration = Duration::from_micros(200);

/// Where a worker puts what it reads.
pub(crate) type Sending = InputHandle<u64, CapacityContainerBuilder<Vec<Envelope>>>;

/// The two ends of a worker's dataflow.
pub(crate) struct Dataflow {
    /// Where the worker puts what it reads.
    pub(crate) input: Sending,
    /// How far epochs are committed.
    pub(crate) probe: ProbeHandle<u64>,
}

/// Builds the dataflow. Only the first worker of the job has a committer.
pub(crate) fn build(
    worker: &mut TimelyWorker,
    stash: Rc<RefCell<Stash>>,
    committer: Option<Committer>,
    failure: &Failure,
) -> Dataflow {
    let workers = worker.peers();
    let (of_stash, of_commits) = (failure.clone(), failure.clone());
    worker.dataflow::<u64, _, _>(|scope| {
        let (input, stream) = scope.new_input::<Vec<Envelope>>();
        let to_owner = Exchange::new(|envelope: &Envelope| u64::from(envelope.to));
        let parts = stream.unary_frontier::<CapacityContainerBuilder<Vec<PartDone>>, _, _, _>(
            to_owner,
            "state",
            move |capability, info| {
                drop(capability);
                let activator = scope.activator_for(info.address);
                let mut capabilities: BTreeMap<u64, Capability<u64>> = BTreeMap::new();
                move |(input, frontier), output| {
                    input.for_each_stamp(|capability, data| {
                        if let Some(capability) = capability.retain_least(output.output_index()) {
                            let epoch = *capability.time();
                            data.flat_map(|data| data.drain(..))
                                .for_each(|envelope: Envelope| stash.borrow_mut().add(epoch, envelope.message));
                            capabilities.entry(epoch).or_insert(capability);
                        }
                    });
                    if of_stash.get().is_some() {
                        return;
                    }
                    let mut stash = stash.borrow_mut();
                    let complete: Vec<u64> = capabilities
                        .keys()
                        .copied()
                        .filter(|epoch| !frontier.frontier().less_equal(epoch) && !stash.is_begun(*epoch))
                        .collect();
                    for epoch in complete {
                        match stash.process(epoch) {
                            Ok(true) => {}
                            Ok(false) => drop(capabilities.remove(&epoch)),
                            Err(error) => return of_stash.set(error),
                        }
                    }
                    match stash.durable() {
                        Ok(durable) => {
                            for (epoch, done) in durable {
                                if let Some(capability) = capabilities.remove(&epoch) {
                                    output.session(&capability).give(done);
                                }
                            }
                        }
                        Err(error) => return of_stash.set(error),
                    }
                    if stash.is_writing() {
                        activator.activate_after(LOOK);
                    }
                }
            },
        );
        let commits = parts.unary_frontier::<CapacityContainerBuilder<Vec<u64>>, _, _, _>(
            Exchange::new(|_: &PartDone| 0),
            "commit",
            move |capability, info| {
                drop(capability);
                let activator = scope.activator_for(info.address);
                let mut waiting: BTreeMap<u64, (Capability<u64>, Vec<PartDone>)> = BTreeMap::new();
                let mut committing: BTreeMap<u64, Capability<u64>> = BTreeMap::new();
                move |(input, _frontier), output| {
                    input.for_each_stamp(|capability, data| {
                        if let Some(capability) = capability.retain_least(output.output_index()) {
                            let (_, parts) =
                                waiting.entry(*capability.time()).or_insert_with(|| (capability, Vec::new()));
                            parts.extend(data.flat_map(|data| data.drain(..)));
                        }
                    });
                    let Some(committer) = &committer else { return };
                    if of_commits.get().is_some() {
                        return;
                    }
                    // Each worker hands over one part of each epoch, so this needs no frontier.
                    while let Some(first) = waiting.first_entry().filter(|first| first.get().1.len() == workers) {
                        let (epoch, (capability, parts)) = first.remove_entry();
                        committing.insert(epoch, capability);
                        committer.request(Request { epoch, parts });
                    }
                    while let Some(epoch) = committer.next_done() {
                        committing.remove(&epoch);
                    }
                    if !committing.is_empty() {
                        activator.activate_after(LOOK);
                    }
                }
            },
        );
        let (probe, _) = commits.probe();
        Dataflow { input, probe }
    })
}
