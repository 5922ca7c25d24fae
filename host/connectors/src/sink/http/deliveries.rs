//! What is sent to a resource: one delivery after another, each the same when it is sent again.

use super::delivery::Delivery;
use super::header::Header;
use super::resource::Resource;
use crate::sink::outbox::{Records, Refusal, Target};
use crate::sink::waiting::Waiting;
use crate::sink::{Guarantee, SinkErrorKind as Kind};

/// The deliveries to a resource.
#[derive(Debug)]
pub(super) struct Deliveries<R> {
    resource: R,
    /// What was sent last.
    last: Delivery,
    /// The number of this process among those that sent records.
    session: u64,
}

impl<R: Resource> Deliveries<R> {
    pub(super) fn to(resource: R) -> Self {
        Self { resource, last: Delivery::none(String::new()), session: 0 }
    }

    /// Sends the last delivery. Its records come behind `first` others.
    fn send(&mut self, waiting: &mut Waiting, first: u64, records: &[&[u8]]) -> Result<(), Refusal> {
        let place = |end: u64| end.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        let range = place(self.last.first).zip(place(self.last.end));
        let records = range.and_then(|(first, end)| records.get(first..end)).ok_or(Refusal::Missing)?;
        self.resource.deliver(&self.last, records)?;
        self.last.is_done = true;
        waiting.keep_note(&self.last).map_err(Refusal::Place)
    }
}

impl<R: Resource> Target for Deliveries<R> {
    type Header = Header;

    fn guarantee(&self) -> Guarantee {
        self.resource.guarantee()
    }

    fn check(&self, record: &[u8]) -> Result<(), String> {
        self.resource.check(record)
    }

    fn begin(&mut self, id: String) -> Result<(), Refusal> {
        self.resource.look()?;
        (self.last, self.session) = (Delivery::none(id), 0);
        Ok(())
    }

    fn recover(&mut self, end: u64, held: Option<&Header>, waiting: &mut Waiting) -> Result<(), Refusal> {
        self.resource.look()?;
        let note = waiting.note().map_err(Refusal::Place)?;
        let last = note.as_deref().and_then(Delivery::read);
        if note.is_some() && last.is_none() {
            let what = format!("{}: the note is not one of this sink", waiting.place_name());
            return Err(Refusal::of(Kind::Replaced, what));
        }
        // Of a run that sent nothing, there may be the note of another run before it.
        let last = match (last, held) {
            (Some(last), Some(held)) if held.id != last.id => Delivery::none(held.id.clone()),
            (Some(last), _) => last,
            (None, Some(held)) => Delivery::none(held.id.clone()),
            (None, None) => return Err(Refusal::of(Kind::Missing, waiting.holds_nothing())),
        };
        if last.end > end {
            let what = format!("{} records are sent, and the checkpoint stands for {end}", last.end);
            return Err(Refusal::of(Kind::Ahead, what));
        }
        self.session = last.session + 1;
        self.last = last;
        Ok(())
    }

    fn header(&self, first: u64) -> Header {
        Header { id: self.last.id.clone(), first }
    }

    fn published(&self) -> u64 {
        if self.last.is_done { self.last.end } else { self.last.first }
    }

    fn is_sure(&self) -> bool {
        self.last.is_done
    }

    /// What was being sent is sent again as it was, and the rest behind it.
    fn publish(&mut self, waiting: &mut Waiting, first: u64, records: Records) -> Result<(), Refusal> {
        let (records, end) = (records.slices(), first + records.places.len() as u64);
        if !self.last.is_done {
            // It may be the note of a process before, which the place might lose.
            waiting.keep_note(&self.last).map_err(Refusal::Place)?;
            self.send(waiting, first, &records)?;
        }
        if self.last.end < end {
            self.last = self.last.next(self.session, end);
            // First the note: what may have arrived is never sent under another name.
            waiting.keep_note(&self.last).map_err(Refusal::Place)?;
            self.send(waiting, first, &records)?;
        }
        Ok(())
    }
}
