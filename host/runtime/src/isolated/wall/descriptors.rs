//! Closing what a worker was not meant to get.

#![allow(unsafe_code, reason = "descriptors are closed by their numbers; the argument stands at the only unsafe block")]

use std::io;

/// Closes every descriptor but standard input, output and error.
///
/// A program's descriptors are closed when it starts another, unless it or a library of its has left the mark out.
pub(in crate::isolated) fn close_others() -> io::Result<()> {
    // SAFETY: the call has no pointers. It closes descriptors that this process was started with, and a worker begins
    // with this call: there is no value in it that owns one. The documentation of `work_for_host` asks for that.
    match unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
