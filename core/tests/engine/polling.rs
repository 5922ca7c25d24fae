//! Runs a future step by step, so that a test can do something else in between.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls a future to its end, and calls `meanwhile` at each stop with the number of the stop.
pub(crate) fn poll_to_end<T>(future: impl Future<Output = T>, mut meanwhile: impl FnMut(u32)) -> T {
    let mut future = pin!(future);
    for stop in 0.. {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => return done,
            Poll::Pending => meanwhile(stop),
        }
    }
    unreachable!("there is no last stop")
}

/// Polls a future until it has stopped at stop number `last`, and drops it there. Returns whether it ended before.
pub(crate) fn poll_and_drop(future: impl Future, last: u32) -> bool {
    let mut future = pin!(future);
    (0..=last).any(|_| future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready())
}
