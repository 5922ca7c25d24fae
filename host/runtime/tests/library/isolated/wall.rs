//! The wall is real here: this program locks itself in as a worker does, and attempts what is forbidden.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use alluvium_host::{Cache, Host, HostOptions, PluginOptions};
use seccompiler::{SeccompAction, SeccompFilter};

use super::attempts::{DONE, REFUSED};
use super::program::{ATTEMPT, WITHOUT};
use super::worker;
use crate::support::{delays, engine};

/// The system calls that may be made without arguments. Others may be made with some.
const MADE: [i64; 48] = [
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fdatasync,
    libc::SYS_fstat,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_futex,
    libc::SYS_getdents64,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_linkat,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mkdirat,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_prlimit64,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_statx,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
];

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Refused,
    Killed(i32),
}

const KILLED: End = End::Killed(libc::SIGSYS);

/// This program in another role.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(arguments);
    command
}

/// Attempts it in a directory with a file, beside which there is another.
fn attempted(name: &str) -> (End, Output) {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let directory = scratch.path().join("own");
    fs::create_dir(&directory).expect("a directory");
    fs::write(directory.join("there"), "file").expect("a file");
    fs::write(scratch.path().join("own.other"), "file").expect("a file");
    let output = program(&[ATTEMPT, name]).arg(&directory).output().expect("it starts");
    let end = match (output.status.code(), output.status.signal()) {
        (Some(DONE), _) => End::Done,
        (Some(REFUSED), _) => End::Refused,
        (_, Some(signal)) => End::Killed(signal),
        _ => panic!("{name}: {output:?}"),
    };
    let other = fs::read(scratch.path().join("own.other")).expect("what is outside is there");
    assert_eq!((other.as_slice(), scratch.path().join("own.outside").exists()), (&b"file"[..], false), "{name}");
    (end, output)
}

#[track_caller]
fn check(expected: End, names: &[&str]) {
    for name in names {
        let (end, output) = attempted(name);
        assert_eq!(end, expected, "{name}: {output:?}");
    }
}

#[test]
fn what_an_engine_does_is_done() {
    check(
        End::Done,
        &[
            "write a file",
            "read a file",
            "link a file",
            "rename a file",
            "delete a file",
            "list",
            "take memory",
            "write a long file",
            "start a thread with threads",
        ],
    );
}

#[test]
fn there_is_one_directory() {
    check(
        End::Refused,
        &[
            "read a password",
            "read its own memory map",
            "read its own program",
            "read the memory of another",
            "list the root",
            "list above",
            "write outside",
            "make a directory outside",
            "delete outside",
            "cut a file outside",
            "link a file in",
            "move a file out",
        ],
    );
    check(KILLED, &["make a link", "make a device", "make a file executable", "change the directory"]);
}

#[test]
fn there_are_no_other_processes_and_no_network() {
    check(
        KILLED,
        &[
            "run a program",
            "start a program",
            "start a thread",
            "fork",
            "fork with threads",
            "kill the host",
            "outlive the host",
            "connect",
            "open a socket",
        ],
    );
}

#[test]
fn it_takes_no_more_than_it_may() {
    check(End::Refused, &["take too much memory", "open too many files"]);
    check(KILLED, &["share memory", "grow a stack", "raise a limit"]);
    check(End::Killed(libc::SIGXFSZ), &["write too long a file"]);
}

#[test]
fn every_other_system_call_ends_the_process() {
    // No filter sees 335 and 336, which the kernel itself puts into traced programs: made by anyone else, they end the
    // process, too. The last one is `open` of the interface with short pointers.
    let all = (0..335).chain(337..=480).chain([0x4000_0002]);
    let others: Vec<i64> = all.filter(|number| !MADE.contains(number)).collect();
    assert!(others.len() > 380, "{}", others.len());
    let ends = |part: &[i64]| {
        for number in part {
            let (end, output) = attempted(&format!("call {number}"));
            assert_eq!(end, KILLED, "system call {number}: {output:?}");
        }
    };
    let (one, other) = others.split_at(others.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| ends(one));
        ends(other);
    });
}

/// `CALL`: starts a plugin in a worker on a kernel that has no such system call, and says why it cannot.
pub(super) fn start_without(arguments: &[OsString]) -> i32 {
    let [call, directory] = arguments else { return 2 };
    let call = if call == "landlock" { libc::SYS_landlock_create_ruleset } else { libc::SYS_seccomp };
    let nothing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into().expect("a known processor");
    let filter = SeccompFilter::new([(call, vec![])].into(), SeccompAction::Allow, nothing, arch).expect("a filter");
    let filter: seccompiler::BpfProgram = filter.try_into().expect("a program");
    seccompiler::apply_filter(&filter).expect("it applies");
    let cache = Cache::at(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let host = Host::new(engine(), HostOptions { cache, ..HostOptions::default() }).expect("a host");
    let started = host.isolated(worker()).and_then(|host| {
        let code = host.load(delays())?;
        host.start(&code, directory, &PluginOptions::default())
    });
    match started {
        Ok(_) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

#[test]
fn without_a_part_of_the_wall_nothing_is_run() {
    for (call, says) in [("landlock", "landlock (Linux 6.2 or later"), ("seccomp", "seccomp (Linux 4.14 or later")] {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let output = program(&[WITHOUT, call]).arg(scratch.path().join("one")).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
    }
}
