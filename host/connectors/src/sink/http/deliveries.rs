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
    /// Whether the place has the note of it as it is now.
    is_noted: bool,
    /// The number of this process among those that sent records.
    session: u64,
}

impl<R: Resource> Deliveries<R> {
    pub(super) fn to(resource: R) -> Self {
        Self { resource, last: Delivery::none(String::new()), is_noted: true, session: 0 }
    }

    /// Sends the last delivery. Its records come behind `first` others.
    fn send(&mut self, waiting: &mut Waiting, first: u64, records: &[&[u8]]) -> Result<(), Refusal> {
        let place = |end: u64| end.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        let range = place(self.last.first).zip(place(self.last.end));
        let records = range.and_then(|(first, end)| records.get(first..end)).ok_or(Refusal::Missing)?;
        self.resource.deliver(&self.last, records)?;
        self.last.is_done = true;
        self.note(waiting)
    }

    /// Keeps the note of what was sent last.
    fn note(&mut self, waiting: &mut Waiting) -> Result<(), Refusal> {
        self.is_noted = false;
        waiting.keep_note(&self.last).map_err(Refusal::Place)?;
        self.is_noted = true;
        Ok(())
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
        (self.last, self.is_noted, self.session) = (Delivery::none(id), true, 0);
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
        (self.last, self.is_noted) = (last, true);
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
        if end <= self.published() {
            // The records may go away now, so it must be known that they have arrived.
            return if self.is_noted { Ok(()) } else { self.note(waiting) };
        }
        if !self.last.is_done {
            // It may be the note of a process before, which the place might lose.
            self.note(waiting)?;
            self.send(waiting, first, &records)?;
        }
        if self.last.end < end {
            self.last = self.last.next(self.session, end);
            // First the note: what may have arrived is never sent under another name.
            self.note(waiting)?;
            self.send(waiting, first, &records)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::batch::Batch;
    use crate::sink::WaitingPlace;
    use crate::sink::outbox::Outbox;

    /// What a place holds, and how many notes it refuses for a moment, after so many that it keeps.
    #[derive(Debug, Default)]
    struct Held {
        records: Option<Vec<u8>>,
        written: Vec<u8>,
        note: Option<String>,
        refuses_after: Option<usize>,
    }

    #[derive(Debug, Clone, Default)]
    struct Flaky(Arc<Mutex<Held>>);

    impl WaitingPlace for Flaky {
        fn name(&self) -> String {
            "a flaky place".to_owned()
        }
        fn take(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn records(&mut self) -> io::Result<Option<Vec<u8>>> {
            Ok(self.0.lock().expect("a place").records.clone())
        }
        fn begin(&mut self) -> io::Result<()> {
            self.0.lock().expect("a place").written.clear();
            Ok(())
        }
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.lock().expect("a place").written.extend_from_slice(bytes);
            Ok(())
        }
        fn written(&mut self) -> io::Result<Cow<'_, [u8]>> {
            Ok(self.0.lock().expect("a place").written.clone().into())
        }
        fn keep(&mut self) -> io::Result<()> {
            let mut held = self.0.lock().expect("a place");
            held.records = Some(held.written.clone());
            Ok(())
        }
        fn end(&mut self) {}
        fn note(&mut self) -> io::Result<Option<String>> {
            Ok(self.0.lock().expect("a place").note.clone())
        }
        fn keep_note(&mut self, note: &str) -> io::Result<()> {
            let mut held = self.0.lock().expect("a place");
            match held.refuses_after {
                Some(0) => {
                    held.refuses_after = None;
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Some(left) => held.refuses_after = Some(left - 1),
                None => {}
            }
            held.note = Some(note.to_owned());
            Ok(())
        }
    }

    /// Takes all that it is given, each record once.
    #[derive(Debug, Clone, Default)]
    struct Taken(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Resource for Taken {
        fn guarantee(&self) -> Guarantee {
            Guarantee::ExactlyOnce
        }
        fn look(&mut self) -> Result<(), Refusal> {
            Ok(())
        }
        fn check(&self, _record: &[u8]) -> Result<(), String> {
            Ok(())
        }
        fn deliver(&mut self, delivery: &Delivery, records: &[&[u8]]) -> Result<(), Refusal> {
            let mut taken = self.0.lock().expect("a resource");
            if delivery.end > taken.len() as u64 {
                taken.extend(records.iter().map(|record| record.to_vec()));
            }
            Ok(())
        }
    }

    fn sink(place: &Flaky, taken: &Taken) -> Outbox<Deliveries<Taken>> {
        let mut sink = Outbox::new("sink".to_owned(), Deliveries::to(taken.clone()), Waiting::default());
        sink.wait_in(Box::new(place.clone()));
        sink
    }

    /// A note that could not be kept is kept before the records that it is about go away.
    #[test]
    fn records_wait_until_it_is_known_that_they_have_arrived() {
        let (place, resource) = (Flaky::default(), Taken::default());
        let mut first = sink(&place, &resource);
        first.recover(&[]).expect("a beginning");
        first.write(&Batch::of_raw([&b"a"[..], b"b"])).expect("it is written");
        let token = first.prepare().expect("a token");
        // The note before the delivery is kept, and the one after it is not.
        place.0.lock().expect("a place").refuses_after = Some(1);
        assert!(first.publish(&token).expect_err("the place is away for a moment").is_transient());
        first.publish(&token).expect("another attempt");
        first.write(&Batch::of_raw([&b"c"[..]])).expect("it is written");
        let next = first.prepare().expect("a token");
        drop(first);
        let mut second = sink(&place, &resource);
        second.recover(std::slice::from_ref(&next)).expect("all of it is there");
        assert_eq!(*resource.0.lock().expect("a resource"), [b"a", b"b", b"c"]);
    }
}
