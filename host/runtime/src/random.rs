//! Randomness of the system.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Draws random bytes.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(drawn) if drawn == N => Ok(bytes),
        Ok(_) => Err(io::Error::other("the system gives no randomness")),
        Err(errno) => Err(errno.into()),
    }
}
