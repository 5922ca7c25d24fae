//! The trait that a storage implements to be certified.

use std::future::Future;

use crate::directory::contract::Directory;
use crate::directory::error::DirectoryError;
use crate::directory::testing::simulated::SimulatedDirectory;

/// A storage whose power can be made to fail.
pub trait Storage: Sized {
    /// A handle on the storage.
    type Handle<'a>: Directory
    where
        Self: 'a;

    /// Opens the storage as a process that starts now would.
    fn open(&self) -> impl Future<Output = Result<Self::Handle<'_>, DirectoryError>>;

    /// Lets the power fail after `steps` more steps. Those steps succeed; every later step fails, through
    /// every handle. The storage defines what a step is, such as a system call or a request.
    fn fail_after(&self, steps: u64);

    /// Returns whether the power has failed.
    fn has_failed(&self) -> bool;

    /// Returns every state that the failure may have left, or some of them drawn by `seed`. Each is a
    /// storage of its own, and its power is back.
    fn after_failure(&self, seed: u64) -> Vec<Self>;
}

impl Storage for SimulatedDirectory {
    type Handle<'a> = &'a Self;

    async fn open(&self) -> Result<&Self, DirectoryError> {
        Ok(self)
    }

    fn fail_after(&self, steps: u64) {
        self.crash_at(self.calls().len() as u64 + steps);
    }

    fn has_failed(&self) -> bool {
        self.is_down()
    }

    fn after_failure(&self, seed: u64) -> Vec<Self> {
        let nodes = self.crash_states().into_iter();
        nodes.map(|nodes| Self::from_nodes(seed, nodes)).collect()
    }
}
