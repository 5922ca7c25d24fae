//! The first failure of a process, which ends all its workers.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Once, PoisonError};

use crate::error::ClusterError;

/// What the names of the threads begin with that serve connections, as Timely names them. They panic when a connection
/// is lost.
pub(crate) const OF_NETWORK: &str = "timely:";
/// What the names of the threads begin with that work, as Timely names them. They panic too once a connection is lost,
/// and besides when an operator does.
const OF_WORKERS: &str = "timely:work-";

/// The first failure of this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failure(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    error: Option<ClusterError>,
    /// The connections to the other processes. They are closed with the first failure, so that the others stop too.
    sockets: Vec<TcpStream>,
}

impl Inner {
    fn close(&mut self) {
        for socket in self.sockets.drain(..) {
            // A socket that is closed already needs no more.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// What threads of the network report to. A process runs one job at a time over a network.
static CURRENT: Mutex<Option<Failure>> = Mutex::new(None);
static HOOK: Once = Once::new();

impl Failure {
    /// Notes a failure, unless there was one before.
    pub(crate) fn set(&self, error: ClusterError) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.error.is_none() {
            inner.error = Some(error);
        }
        inner.close();
    }

    /// Returns the first failure.
    pub(crate) fn get(&self) -> Option<ClusterError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).error.clone()
    }

    /// Has connections closed with the first failure, and takes note when the threads that serve them end.
    pub(crate) fn watch(&self, sockets: Vec<TcpStream>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sockets = sockets;
        if inner.error.is_some() {
            inner.close();
        }
        drop(inner);
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                let thread = std::thread::current();
                let is_named = |prefix| thread.name().is_some_and(|name| name.starts_with(prefix));
                let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
                match current.filter(|_| is_named(OF_NETWORK)) {
                    Some(failure) if !is_named(OF_WORKERS) => {
                        // The threads of the network have no other way to say that a connection was lost.
                        let why = panic.payload_as_str().unwrap_or_default();
                        let lost = "the connection to another process of the job was lost";
                        failure.set(ClusterError::Network(format!("{lost}: {why}")));
                    }
                    // What comes after the first failure is its consequence.
                    Some(failure) if failure.get().is_some() => {}
                    _ => before(panic),
                }
            }));
        });
    }

    /// Does a part of the work of a thread. If it panics, this is an error: the first failure of the process if there
    /// was one, because Timely panics once a connection is lost.
    pub(crate) fn contain<T>(&self, work: impl FnOnce() -> Result<T, ClusterError>) -> Result<T, ClusterError> {
        // The caller gives up what the work has touched.
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            Err(self
                .get()
                .unwrap_or_else(|| ClusterError::Panicked(format!("a thread of the job panicked: {}", why(&*panic)))))
        })
    }

    /// Stops taking note of the network.
    pub(crate) fn unwatch(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sockets.clear();
    }
}

/// Returns what a panic says.
fn why(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it does not say why")
}
