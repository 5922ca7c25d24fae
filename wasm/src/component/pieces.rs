//! Work in pieces: a component does one thing at a time, so what takes long stops between its steps.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    /// Whether the future that is polled now is worked on in pieces.
    static IN_PIECES: Cell<bool> = const { Cell::new(false) };
}

/// Stops between two steps, if the work is done in pieces. Otherwise it continues at once.
pub(super) async fn next_piece() {
    let mut has_stopped = !IN_PIECES.get();
    poll_fn(|_| if std::mem::replace(&mut has_stopped, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Whether the work that is done now stops between two steps.
pub(super) fn are_on() -> bool {
    IN_PIECES.get()
}

/// Does the next piece of a future's work.
pub(super) fn advance<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    /// Ends the pieces, also if the future panics.
    struct Piece;
    impl Drop for Piece {
        fn drop(&mut self) {
            IN_PIECES.set(false);
        }
    }
    IN_PIECES.set(true);
    let _piece = Piece;
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use alluvium_core::directory::block_on;

    use super::*;

    async fn three_steps() -> u32 {
        next_piece().await;
        next_piece().await;
        3
    }

    #[test]
    fn a_future_stops_at_each_step_only_if_it_is_worked_on_in_pieces() {
        let mut steps = pin!(three_steps());
        assert_eq!(advance(steps.as_mut()), Poll::Pending);
        assert_eq!(advance(steps.as_mut()), Poll::Pending);
        assert_eq!(block_on(three_steps()), 3, "another one does not stop meanwhile");
        assert_eq!(advance(steps), Poll::Ready(3));
    }
}
