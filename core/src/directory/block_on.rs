//! Running futures to their end. Natively and in WASI a directory's futures are ready at once, so this
//! small executor is enough.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on the calling thread and returns its output.
///
/// If the directory's futures are ready at once, the thread never parks. Otherwise it sleeps until the
/// future wakes it. Do not use this function in the browser: blocking the thread there keeps the future
/// from ever finishing.
///
/// ```
/// use alluvium_core::directory::{block_on, Directory, MemoryDirectory};
///
/// let directory = MemoryDirectory::new();
/// assert!(block_on(directory.list())?.is_empty());
/// # Ok::<(), alluvium_core::directory::DirectoryError>(())
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Runs a future that never waits, such as one over a directory in memory. Panics if it waits.
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a directory in memory is always ready"),
    }
}
