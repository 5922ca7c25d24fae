//! Reads some files ahead of the one that is wanted, where another process does the reading.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// How many bytes of files may be in flight or waiting, besides the file that was handed out.
pub(crate) const AHEAD_BYTES: u64 = 16 << 20;

/// And how many files.
const AHEAD_FILES: usize = 16;

/// A file that is being read, or that has been read.
enum Slot<F: Future> {
    Reading(Pin<Box<F>>),
    Read(F::Output),
}

/// Reads files in their order. If reading blocks, as it does natively, each file is read when it is asked
/// for. If reading does not block, as in a browser, which reads in another process, the next files are
/// read meanwhile.
pub(crate) struct Prefetch<F: Future, I> {
    rest: I,
    slots: VecDeque<(u64, Slot<F>)>,
    /// Whether a read was ever not ready at once.
    waits: bool,
}

impl<F: Future, I: Iterator<Item = (u64, F)>> Prefetch<F, I> {
    /// Takes the length of each file in bytes, and the future that reads it.
    pub(crate) fn new(files: I) -> Self {
        Self { rest: files, slots: VecDeque::new(), waits: false }
    }

    /// Returns the next file, and `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<F::Output> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        for (_, slot) in &mut self.slots {
            slot.poll(context);
        }
        if self.slots.is_empty() && !self.start(context) {
            return Poll::Ready(None);
        }
        self.waits |= matches!(self.slots.front(), Some((_, Slot::Reading(_))));
        let ahead = |slots: &VecDeque<(u64, Slot<F>)>| slots.iter().skip(1).map(|(bytes, _)| bytes).sum::<u64>();
        let has_room = |slots: &VecDeque<(u64, Slot<F>)>| slots.len() <= AHEAD_FILES && ahead(slots) < AHEAD_BYTES;
        while self.waits && has_room(&self.slots) && self.start(context) {}
        let Some((_, Slot::Read(_))) = self.slots.front() else { return Poll::Pending };
        Poll::Ready(self.slots.pop_front().and_then(|(_, slot)| slot.output()))
    }

    /// Begins to read another file. Returns false if there is none.
    fn start(&mut self, context: &mut Context<'_>) -> bool {
        let Some((bytes, file)) = self.rest.next() else { return false };
        let mut slot = Slot::Reading(Box::pin(file));
        slot.poll(context);
        self.slots.push_back((bytes, slot));
        true
    }
}

impl<F: Future> Slot<F> {
    fn poll(&mut self, context: &mut Context<'_>) {
        if let Self::Reading(file) = self
            && let Poll::Ready(output) = file.as_mut().poll(context)
        {
            *self = Self::Read(output);
        }
    }

    fn output(self) -> Option<F::Output> {
        match self {
            Self::Reading(_) => None,
            Self::Read(output) => Some(output),
        }
    }
}

/// Waits for `wanted`, and reads `ahead` meanwhile. If `wanted` is ready at once, as natively, `ahead` is not begun, and
/// what it would read is `None`.
pub(crate) async fn alongside<W: Future, A: Future>(wanted: W, ahead: A) -> (W::Output, Option<A::Output>) {
    let (mut wanted, mut ahead) = (Slot::Reading(Box::pin(wanted)), Slot::Reading(Box::pin(ahead)));
    let mut waits = false;
    poll_fn(|context| {
        wanted.poll(context);
        if waits || matches!(wanted, Slot::Reading(_)) {
            waits = true;
            ahead.poll(context);
        }
        match (&wanted, &ahead) {
            (Slot::Reading(_), _) => Poll::Pending,
            (Slot::Read(_), Slot::Reading(_)) if waits => Poll::Pending,
            (Slot::Read(_), _) => Poll::Ready(()),
        }
    })
    .await;
    match (wanted, ahead) {
        (Slot::Read(wanted), ahead) => (wanted, ahead.output()),
        (Slot::Reading(_), _) => unreachable!("it was waited for"),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::directory::block_on;

    /// Returns `n` at the poll number `polls`.
    async fn after(polls: u32, n: u64, begun: &RefCell<Vec<u64>>) -> u64 {
        begun.borrow_mut().push(n);
        let mut left = polls;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            left = left.saturating_sub(1);
            if left == 0 { Poll::Ready(n) } else { Poll::Pending }
        })
        .await
    }

    #[test]
    fn files_that_block_are_read_when_they_are_asked_for() {
        let begun = RefCell::new(Vec::new());
        let mut ahead = Prefetch::new((0..3).map(|n| (1 << 20, after(1, n, &begun))));
        for n in 0..3 {
            assert_eq!(block_on(ahead.next()), Some(n));
            assert_eq!(begun.borrow().len() as u64, n + 1);
        }
        assert_eq!(block_on(ahead.next()), None);
    }

    #[test]
    fn what_is_ready_at_once_has_nothing_read_beside_it() {
        let begun = RefCell::new(Vec::new());
        assert_eq!(block_on(alongside(after(1, 1, &begun), after(1, 2, &begun))), (1, None));
        assert_eq!(*begun.borrow(), [1]);
    }

    #[test]
    fn what_must_be_waited_for_has_the_other_read_meanwhile() {
        for (of_wanted, of_ahead) in [(2, 9), (9, 2), (5, 5)] {
            let begun = RefCell::new(Vec::new());
            let both = alongside(after(of_wanted, 1, &begun), after(of_ahead, 2, &begun));
            assert_eq!(block_on(both), (1, Some(2)));
            assert_eq!(*begun.borrow(), [1, 2]);
        }
    }

    #[test]
    fn files_without_bytes_are_not_all_read_at_once() {
        let begun = RefCell::new(Vec::new());
        let mut ahead = Prefetch::new((0..1_000).map(|n| (0, after(3, n, &begun))));
        assert_eq!(block_on(ahead.next()), Some(0));
        assert_eq!(begun.borrow().len(), AHEAD_FILES + 1);
    }

    #[test]
    fn files_that_must_be_waited_for_are_read_ahead_in_their_order() {
        let begun = RefCell::new(Vec::new());
        // The later a file is wanted, the earlier its read is ready.
        let mut ahead = Prefetch::new((0..50).map(|n| (1 << 20, after(60 - n as u32, n, &begun))));
        for n in 0..50 {
            assert_eq!(block_on(ahead.next()), Some(n));
            assert_eq!(
                begun.borrow().len() as u64,
                (n + 17).min(50),
                "sixteen files of 1 MiB besides the one that is wanted"
            );
        }
        assert_eq!(block_on(ahead.next()), None);
        assert_eq!(*begun.borrow(), (0..50).collect::<Vec<u64>>());
    }
}
