//! How the system schedules threads that write in the background.
//!
//! To hand work to such a thread wakes it, and Linux may give it the core of the thread that woke it: then the stream
//! stands still for a slice of time, about three milliseconds, although it only handed something over. A thread of the
//! class "batch" gets the same share of the cores, and never takes one from a thread that wakes it. Decision 43 has what
//! was measured.
#![allow(unsafe_code, reason = "no safe wrapper that is kept sets the class alone; the argument stands at the block")]

/// Has the calling thread take no core from the threads that wake it. Where the system refuses that, nothing changes.
///
/// It is for threads that work in the background for a stream:
///
/// ```
/// use alluvium::background::leave_the_core_to_wakers;
///
/// let (jobs, inbox) = std::sync::mpsc::channel::<std::path::PathBuf>();
/// let thread = std::thread::spawn(move || {
///     leave_the_core_to_wakers();
///     inbox.iter().count()
/// });
/// drop(jobs);
/// assert_eq!(thread.join().unwrap(), 0);
/// ```
#[cfg(target_os = "linux")]
pub fn leave_the_core_to_wakers() {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: 0 is the calling thread, and the pointer is to a whole structure that the call only reads.
    let _ = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameters) };
}

/// Other systems have no such class, so nothing changes.
#[cfg(not(target_os = "linux"))]
pub fn leave_the_core_to_wakers() {}

#[cfg(all(test, target_os = "linux"))]
pub(crate) mod tests {
    use super::*;

    /// Returns the scheduling class of a thread, from the directory of `/proc` that describes it. This is the 41st field
    /// of `stat` (`proc_pid_stat(5)`), and the name before it may have spaces.
    pub(crate) fn class_of(thread: &std::path::Path) -> Option<libc::c_int> {
        let stat = std::fs::read_to_string(thread.join("stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(38)?.parse().ok()
    }

    #[test]
    fn the_class_of_the_calling_thread_changes_alone() {
        let own = || class_of("/proc/thread-self".as_ref());
        let inner = std::thread::spawn(move || {
            leave_the_core_to_wakers();
            own()
        });
        assert_eq!(inner.join().unwrap(), Some(libc::SCHED_BATCH));
        assert_eq!(own(), Some(libc::SCHED_OTHER));
    }
}
