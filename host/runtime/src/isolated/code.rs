//! Compiled code on its way to a worker: a file without a name that cannot be changed any more.
//!
//! All workers map the same pages of it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use wasmtime::component::Component;

/// The machine code of a component, which no worker can change for another.
#[derive(Debug)]
pub(crate) struct SharedCode(OwnedFd);

impl SharedCode {
    /// The code that a component was loaded from.
    pub(crate) fn of(component: &Component) -> io::Result<Self> {
        let code = component.serialize().map_err(|error| io::Error::other(format!("{error:#}")))?;
        let mut file = File::from(memfd_create("alluvium code", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(&code)?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(Self(file.into()))
    }
}

impl AsFd for SharedCode {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
