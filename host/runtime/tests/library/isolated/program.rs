//! What this program is besides a runner of tests: a worker, one that lies, one that attempts what the wall refuses.
//!
//! A worker must begin with one thread, and the runner has two. So this comes before its `main`.

use std::ffi::OsString;

/// The argument that makes this program a worker.
pub(super) const WORKER: &str = "isolated-worker";
/// The argument that makes it a worker whose messages are changed on their way.
pub(super) const LIAR: &str = "isolated-liar";
/// The argument that makes it what changes them.
pub(super) const BETWEEN: &str = "isolated-between";
/// The argument that makes it attempt what the wall refuses.
pub(super) const ATTEMPT: &str = "isolated-attempt";
/// The argument that makes it a host that feeds its plugin until it is killed.
pub(super) const HOST: &str = "isolated-host";
/// The argument that makes it a host on a kernel that lacks something.
pub(super) const WITHOUT: &str = "isolated-without";

#[ctor::ctor(unsafe)]
fn before_main() {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(role), rest) = (arguments.next(), arguments.collect::<Vec<OsString>>()) else { return };
    let code = match role.to_str() {
        Some(WORKER) => i32::from(alluvium_host::work_for_host().is_err()),
        Some(LIAR) => super::lies::begin(&rest),
        Some(BETWEEN) => super::lies::pass_on(&rest),
        Some(ATTEMPT) => super::attempts::attempt(&rest),
        Some(HOST) => super::deaths::feed_for_ever(&rest),
        Some(WITHOUT) => super::wall::start_without(&rest),
        _ => return,
    };
    std::process::exit(code);
}
