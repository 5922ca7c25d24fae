//! A future that gives way once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Pending the first time it is polled, ready the second.
#[derive(Debug, Default)]
pub struct GiveWay {
    gave_way: bool,
}

impl Future for GiveWay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.gave_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
