//! What a storage must be able to do to be certified.

use std::future::Future;

use crate::directory::contract::Directory;
use crate::directory::error::DirectoryError;
use crate::directory::testing::simulated::SimulatedDirectory;

/// A storage whose power can be made to fail.
pub trait Storage: Sized {
    /// A handle on it.
    type Handle<'a>: Directory
    where
        Self: 'a;

    /// Opens it, as a process that starts now does.
    fn open(&self) -> impl Future<Output = Result<Self::Handle<'_>, DirectoryError>>;

    /// Lets so many more steps succeed, and then the power fail: that step and all later ones fail,
    /// through every handle. What a step is, is the storage's affair: a system call, a request.
    fn fail_after(&self, steps: u64);

    /// Whether the power has failed.
    fn has_failed(&self) -> bool;

    /// Every state that the failure may have left, or some of them drawn by `seed`: each a storage of
    /// its own, and the power is back.
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
