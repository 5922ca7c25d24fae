//! Seccomp: the system calls that the runtime makes, and none beside them.
//!
//! A call that is not on the list ends the process: the runtime never makes it, so code that does is not the runtime's,
//! and gets no second try. The host sees the signal and says so.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::RawFd;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// Calls that are allowed whatever their arguments are. Landlock decides which files they reach.
const CALLS: &[libc::c_long] = &[
    // Memory, besides mmap.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Signals: WebAssembly's traps are some.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Threads: one that was started before may just have begun.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_nanosleep,
    // Files.
    libc::SYS_close,
    libc::SYS_fdatasync,
    libc::SYS_fstat,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getdents64,
    libc::SYS_linkat,
    libc::SYS_lseek,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_statx,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
];

/// What a thread shares with the one that starts it, and a process does not.
const SHARES: libc::c_int = libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_FILES;

/// The kind of a mapping, and whether it grows like a stack.
const MAPPING: libc::c_int = libc::MAP_TYPE | libc::MAP_GROWSDOWN;

/// From `linux/prctl.h`.
const PR_GET_AUXV: libc::c_int = 0x4155_5856;

/// What may be asked about a descriptor.
const ABOUT_DESCRIPTORS: [libc::c_int; 5] =
    [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Leaves all threads of this process the calls on the list.
pub(super) fn apply(socket: RawFd, starts_threads: bool) -> io::Result<()> {
    for filter in filters(socket, starts_threads).map_err(io::Error::other)? {
        seccompiler::apply_filter_all_threads(&filter).map_err(|error| missing(&error))?;
    }
    Ok(())
}

/// Says why the kernel cannot filter system calls, if it cannot.
pub(in crate::isolated) fn check() -> io::Result<()> {
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").map_err(|error| missing(&error))?;
    if actions.split_whitespace().any(|action| action == "kill_process") {
        return Ok(());
    }
    Err(missing(&"it cannot end a process"))
}

fn missing(error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("seccomp (Linux 4.14 or later, and enabled): {error}"))
}

fn filters(socket: RawFd, starts_threads: bool) -> Result<Vec<BpfProgram>, seccompiler::Error> {
    let arch = std::env::consts::ARCH.try_into()?;
    let mut rules = rules(socket)?;
    let mut filters: Vec<BpfProgram> = Vec::new();
    if starts_threads {
        rules.insert(libc::SYS_clone3, Vec::new());
        let shares = SeccompCmpOp::MaskedEq(bits(SHARES));
        add(&mut rules, libc::SYS_clone, vec![condition(0, shares, bits(SHARES))?])?;
        // The arguments of clone3 lie in memory, where no filter looks: glibc takes clone where there is none.
        let none = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        let old = SeccompFilter::new([(libc::SYS_clone3, Vec::new())].into(), SeccompAction::Allow, none, arch)?;
        filters.push(old.try_into()?);
    }
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch)?;
    filters.push(filter.try_into()?);
    Ok(filters)
}

fn rules(socket: RawFd) -> Result<Rules, seccompiler::Error> {
    let mut rules: Rules = CALLS.iter().map(|&call| (call, Vec::new())).collect();
    // Memory that is shared, or that grows like a stack, is not counted by the limit of memory.
    let kind = SeccompCmpOp::MaskedEq(bits(MAPPING));
    add(&mut rules, libc::SYS_mmap, vec![condition(3, kind, bits(libc::MAP_PRIVATE))?])?;
    for about in ABOUT_DESCRIPTORS {
        add(&mut rules, libc::SYS_fcntl, vec![condition(1, SeccompCmpOp::Eq, bits(about))?])?;
    }
    for call in [libc::SYS_recvfrom, libc::SYS_recvmsg, libc::SYS_sendmsg] {
        add(&mut rules, call, vec![condition(0, SeccompCmpOp::Eq, bits(socket))?])?;
    }
    // To end itself.
    let own = bits(rustix::process::getpid().as_raw_nonzero().get());
    add(&mut rules, libc::SYS_tgkill, vec![condition(0, SeccompCmpOp::Eq, own)?])?;
    // To look at a limit is allowed, to set one is not: the new one is a null pointer.
    let nothing = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    add(&mut rules, libc::SYS_prlimit64, vec![nothing])?;
    // A thread that writes in the background gives way to those that wake it.
    let batch = condition(1, SeccompCmpOp::Eq, bits(libc::SCHED_BATCH))?;
    let itself = condition(0, SeccompCmpOp::Eq, 0)?;
    add(&mut rules, libc::SYS_sched_setscheduler, vec![itself, batch])?;
    // The names of threads and memory, and what the kernel told the process at its start.
    for option in [libc::PR_SET_NAME, libc::PR_SET_VMA, PR_GET_AUXV] {
        add(&mut rules, libc::SYS_prctl, vec![condition(0, SeccompCmpOp::Eq, bits(option))?])?;
    }
    Ok(rules)
}

/// Allows a call under these conditions; several additions are alternatives.
fn add(rules: &mut Rules, call: libc::c_long, conditions: Vec<SeccompCondition>) -> Result<(), seccompiler::Error> {
    rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
    Ok(())
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, seccompiler::Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?)
}

/// An argument as the filter sees it: the lower half of a register.
fn bits(argument: libc::c_int) -> u64 {
    u64::from(argument.cast_unsigned())
}
