//! Attempts at everything that a worker has no need of, made behind its wall.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use alluvium_host::Wall;
use rustix::fs::CWD;

/// What the wall of an attempt leaves.
pub(super) const WALL: Wall = Wall {
    memory_bytes: 256 << 20,
    address_bytes: 1 << 30,
    file_bytes: 1 << 20,
    descriptors: 64,
    starts_threads: false,
};

/// The attempt was made, and succeeded.
pub(super) const DONE: i32 = 10;
/// The system refused it with an error.
pub(super) const REFUSED: i32 = 11;
/// It was not made.
pub(super) const UNMADE: i32 = 12;

/// `NAME DIRECTORY`: locks this process into the directory, and attempts what the name says.
pub(super) fn attempt(arguments: &[OsString]) -> i32 {
    let [name, directory] = arguments else { return UNMADE };
    let (Some(name), directory) = (name.to_str(), PathBuf::from(directory)) else { return UNMADE };
    let Ok((socket, _other)) = UnixStream::pair() else { return UNMADE };
    let wall = Wall { starts_threads: name.ends_with("with threads"), ..WALL };
    let opened = File::open(&directory);
    let locked =
        opened.and_then(|directory| wall.limit(directory.as_fd())).and_then(|()| wall.close(socket.as_raw_fd()));
    if let Err(error) = locked {
        eprintln!("{error}");
        return UNMADE;
    }
    match make(name, &directory) {
        Some(true) => DONE,
        Some(false) => REFUSED,
        None => UNMADE,
    }
}

/// Makes an attempt, and says whether it succeeded; none if there is no attempt of this name.
fn make(name: &str, directory: &Path) -> Option<bool> {
    let done = |made: std::io::Result<()>| Some(made.is_ok());
    let outside = directory.with_extension("outside");
    if let Some(number) = name.strip_prefix("call ") {
        return Some(call(number.parse().ok()?));
    }
    match name {
        // What an engine does.
        "write a file" => {
            done(make_directory(&directory.join("a")).and_then(|()| fs::write(directory.join("a/b"), "c")))
        }
        "read a file" => done(fs::read(directory.join("there")).map(drop)),
        "link a file" => done(fs::hard_link(directory.join("there"), directory.join("linked"))),
        "rename a file" => done(rename(&directory.join("there"), &directory.join("renamed"))),
        "delete a file" => done(delete(&directory.join("there"))),
        "list" => done(fs::read_dir(directory).map(drop)),
        "take memory" => Some(take_memory(64 << 20)),
        "write a long file" => Some(write_long(directory, WALL.file_bytes)),
        "start a thread with threads" => done(std::thread::Builder::new().spawn(|| ()).map(|it| it.join().unwrap())),
        // Files.
        "read a password" => done(File::open("/etc/passwd").map(drop)),
        "read its own memory map" => done(File::open("/proc/self/maps").map(drop)),
        "read its own program" => done(File::open("/proc/self/exe").map(drop)),
        "read the memory of another" => done(File::open("/proc/1/mem").map(drop)),
        "list the root" => done(fs::read_dir("/").map(drop)),
        "list above" => done(fs::read_dir(directory.join("..")).map(drop)),
        "write outside" => done(File::create(&outside).map(drop)),
        "make a directory outside" => done(make_directory(&outside)),
        "delete outside" => done(delete(&directory.with_extension("other"))),
        "cut a file outside" => {
            done(fs::OpenOptions::new().write(true).truncate(true).open(directory.with_extension("other")).map(drop))
        }
        "link a file in" => done(fs::hard_link(directory.with_extension("other"), directory.join("in"))),
        "move a file out" => done(rename(&directory.join("there"), &outside)),
        "make a link" => done(std::os::unix::fs::symlink("/etc", directory.join("etc"))),
        "make a device" => {
            let (kind, mode) = (rustix::fs::FileType::CharacterDevice, rustix::fs::Mode::RUSR);
            done(rustix::fs::mknodat(CWD, directory.join("null"), kind, mode, 0x103).map_err(Into::into))
        }
        "make a file executable" => {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            done(fs::set_permissions(directory.join("there"), mode))
        }
        "change the directory" => done(std::env::set_current_dir(directory)),
        // Processes.
        "run a program" => {
            let _ = Command::new("/bin/true").exec();
            Some(false)
        }
        "start a program" => done(Command::new("/bin/true").status().map(drop)),
        "start a thread" => done(std::thread::Builder::new().spawn(|| ()).map(drop)),
        "fork" | "fork with threads" => Some(fork()),
        "kill the host" => {
            // Signal 0 does no harm, and takes the same right.
            let host = rustix::process::Pid::from_raw(1)?;
            done(rustix::process::test_kill_process(host).map_err(Into::into))
        }
        "outlive the host" => done(rustix::process::set_parent_process_death_signal(None).map_err(Into::into)),
        // The network.
        "connect" => done(TcpStream::connect("127.0.0.1:9").map(drop)),
        "open a socket" => done(UnixStream::pair().map(drop)),
        // More than it may take.
        "take too much memory" => Some(take_memory(usize::try_from(WALL.memory_bytes).ok()?)),
        "share memory" => Some(map(libc::MAP_SHARED)),
        "grow a stack" => Some(map(libc::MAP_PRIVATE | libc::MAP_GROWSDOWN)),
        "write too long a file" => Some(write_long(directory, WALL.file_bytes + 1)),
        "open too many files" => done(
            (0..WALL.descriptors)
                .try_fold(Vec::new(), |mut open, _| {
                    open.push(File::open(directory)?);
                    Ok(open)
                })
                .map(drop),
        ),
        "raise a limit" => {
            let limit = rustix::process::Rlimit { current: Some(1 << 30), maximum: Some(1 << 30) };
            done(rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).map_err(Into::into))
        }
        _ => None,
    }
}

// The engine's calls, of which the standard library makes older forms.

fn make_directory(path: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::mkdirat(CWD, path, rustix::fs::Mode::RWXU)?)
}

fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::renameat(CWD, from, CWD, to)?)
}

fn delete(path: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::unlinkat(CWD, path, rustix::fs::AtFlags::empty())?)
}

fn take_memory(bytes: usize) -> bool {
    let mut taken = Vec::new();
    taken.try_reserve_exact(bytes).is_ok() && {
        taken.resize(bytes, 1_u8);
        taken[bytes - 1] == 1
    }
}

fn write_long(directory: &Path, bytes: u64) -> bool {
    let mut file = File::create(directory.join("long")).expect("a file");
    let written = file.seek(SeekFrom::Start(bytes - 1)).and_then(|_| file.write_all(b"x"));
    let mut file = File::open(directory.join("long")).expect("a file");
    written.is_ok() && file.seek(SeekFrom::End(-1)).is_ok() && file.read(&mut [0]).is_ok()
}

fn fork() -> bool {
    // SAFETY: this process has one thread besides, which does nothing; the child ends at once.
    match unsafe { libc::fork() } {
        0 => std::process::exit(0),
        child => child > 0,
    }
}

fn map(flags: libc::c_int) -> bool {
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, flags | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping at an address of the kernel's choice overlaps no other memory. It is not used.
    let mapped = unsafe { libc::mmap(std::ptr::null_mut(), 1 << 20, access, flags, -1, 0) };
    mapped != libc::MAP_FAILED
}

/// Makes a system call without arguments.
fn call(number: libc::c_long) -> bool {
    // SAFETY: only calls that the wall does not let through are made, so nothing comes of it. If one is let through
    // against expectation, it has null pointers, descriptor 0 and lengths of 0, in a process of its own that ends now.
    unsafe { libc::syscall(number, 0, 0, 0, 0, 0, 0) >= 0 }
}
