//! Putting the mutations in order, in steps that are short.

use crate::changelog::dedup::{Place, Sort};
use crate::changelog::log::Log;
use crate::model::record::Record;

/// The place of a record in the later log. The index of its chunk never gets so large in the older log.
const IN_FRESH: u64 = 1 << 63;

/// The mutations of a changelog on their way to the order of [`Record::order`].
pub(crate) struct Sorting<'a> {
    /// The older log.
    settled: &'a Log,
    /// The later one.
    fresh: &'a Log,
    phase: Phase,
}

/// What the next step does.
enum Phase {
    /// It finds the places of the mutations in this chunk of the older log.
    Settled(usize, Vec<Place>),
    /// It finds them in this chunk of the later log.
    Fresh(usize, Vec<Place>),
    Sort(Sort),
}

impl<'a> Sorting<'a> {
    pub(super) fn new(settled: &'a Log, fresh: &'a Log) -> Self {
        let places = Vec::with_capacity(settled.count() + fresh.count());
        Self { settled, fresh, phase: Phase::Settled(0, places) }
    }

    /// Does the next step: it reads a chunk, or sorts by a digit. Returns whether there was one.
    pub(crate) fn step(&mut self) -> bool {
        let Self { settled, fresh, .. } = *self;
        match &mut self.phase {
            Phase::Settled(chunk, places) => {
                if settled.add_places(*chunk, places, |place| place) {
                    *chunk += 1;
                } else {
                    self.phase = Phase::Fresh(0, std::mem::take(places));
                }
                true
            }
            Phase::Fresh(chunk, places) => {
                if fresh.add_places(*chunk, places, |place| place | IN_FRESH) {
                    *chunk += 1;
                } else {
                    self.phase = Phase::Sort(Sort::new(std::mem::take(places)));
                }
                true
            }
            Phase::Sort(sort) => sort.step(),
        }
    }

    /// Does the steps that are left, and returns the newest mutation of each key, in order.
    pub(crate) fn newest(mut self) -> impl Iterator<Item = Record<'a>> {
        while self.step() {}
        let Self { settled, fresh, .. } = self;
        let Phase::Sort(sort) = self.phase else { unreachable!("the last step is one of sorting") };
        sort.newest(|place| match place & IN_FRESH {
            0 => settled.record(place),
            _ => fresh.record(place & !IN_FRESH),
        })
    }
}
