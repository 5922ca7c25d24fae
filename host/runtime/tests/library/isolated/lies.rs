//! Workers that are taken over: what they say is garbage, and the host lives on.

use std::ffi::OsString;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use alluvium_host::{Limits, PluginOptions, RuntimeError, WorkerProcess};
use fastrand::Rng;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::program::{BETWEEN, LIAR, WORKER};
use crate::support::{Bench, delays, flights, header};

/// Lies in `make test`. `ALLUVIUM_LIES` asks for more of them, and `ALLUVIUM_SEED` for others.
const LIES: u64 = 60;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// `SEED`: becomes a worker, after it has put a process between itself and its host.
#[allow(clippy::zombie_processes, reason = "it ends with its host, and this process becomes another program")]
pub(super) fn begin(arguments: &[OsString]) -> i32 {
    let (near, far) = UnixStream::pair().expect("a socket");
    let program = std::env::current_exe().expect("this program");
    let host = std::io::stdin().as_fd().try_clone_to_owned().expect("a socket");
    let mut between = Command::new(&program);
    between.arg(BETWEEN).args(arguments).stdin(Stdio::from(host)).stdout(Stdio::from(OwnedFd::from(far)));
    between.spawn().expect("it starts");
    let error = Command::new(program).arg(WORKER).stdin(Stdio::from(OwnedFd::from(near))).exec();
    panic!("it does not become a worker: {error}")
}

/// `SEED`: passes on what a worker on standard output says to a host on standard input, at some time changed.
pub(super) fn pass_on(arguments: &[OsString]) -> i32 {
    let seed = arguments[0].to_str().and_then(|seed| seed.parse().ok()).expect("a seed");
    let mut random = Rng::with_seed(seed);
    let of = |descriptor: BorrowedFd<'_>| UnixStream::from(descriptor.try_clone_to_owned().expect("a socket"));
    let (host, worker) = (of(std::io::stdin().as_fd()), of(std::io::stdout().as_fd()));
    let honest = random.u32(..24);
    let said = (0..).try_for_each(|exchange| -> std::io::Result<()> {
        pass_question(&host, &worker)?;
        let mut answer = frame(&worker)?;
        if exchange >= honest && random.bool() {
            lie(&mut random, &mut answer);
        }
        (&host).write_all(&answer)
    });
    i32::from(said.is_err())
}

/// Passes on one question, with its descriptors.
fn pass_question(host: &UnixStream, worker: &UnixStream) -> std::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut length = [0; 4];
    let read = recvmsg(host, &mut [IoSliceMut::new(&mut length)], &mut beside, RecvFlags::CMSG_CLOEXEC)?;
    if read.bytes < 4 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let mut body = vec![0; u32::from_le_bytes(length) as usize];
    (&*host).read_exact(&mut body)?;
    let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    assert!(descriptors.is_empty() || beside.push(SendAncillaryMessage::ScmRights(&descriptors)));
    sendmsg(worker, &[IoSlice::new(&length)], &mut beside, SendFlags::NOSIGNAL)?;
    (&*worker).write_all(&body)
}

/// One frame, with its length.
fn frame(mut worker: &UnixStream) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    worker.read_exact(&mut frame)?;
    let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    frame.resize(4 + length, 0);
    worker.read_exact(&mut frame[4..])?;
    Ok(frame)
}

/// Changes an answer in one of many ways.
fn lie(random: &mut Rng, answer: &mut Vec<u8>) {
    let body = answer.len() - 4;
    match random.u8(..7) {
        // Bits of the answer.
        0 | 1 => {
            for _ in 0..random.usize(1..4) {
                let at = random.usize(4..answer.len().max(5));
                if let Some(byte) = answer.get_mut(at) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
        }
        // Any bytes instead of it.
        2 => {
            let length = random.usize(..200);
            *answer = u32::try_from(length).expect("short").to_le_bytes().to_vec();
            answer.extend((0..length).map(|_| random.u8(..)));
        }
        // Less, or more, than it says.
        3 => answer.truncate(4 + random.usize(..=body)),
        4 => answer.extend((0..random.usize(1..100)).map(|_| random.u8(..))),
        // A length that no message has.
        5 => answer[..4].copy_from_slice(&random.u32(1 << 27..).to_le_bytes()),
        // Numbers that say that a great deal follows.
        _ => {
            let at = random.usize(4..=answer.len());
            answer.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f]);
            let length = u32::try_from(answer.len() - 4).expect("short").to_le_bytes();
            answer[..4].copy_from_slice(&length);
        }
    }
}

#[test]
fn whatever_a_worker_says_its_host_lives_on() {
    let bench = Bench::new();
    let code = bench.host.load(delays()).expect("it loads");
    let limits = Limits {
        plugin_call: Duration::from_millis(200),
        engine_call: Duration::from_millis(200),
        ..Limits::default()
    };
    let options = PluginOptions { limits: Some(limits), ..PluginOptions::default() };
    let first = number("ALLUVIUM_SEED", 1) << 32;
    let (mut ended, mut other) = (0, 0);
    for seed in first..first + number("ALLUVIUM_LIES", LIES) {
        let liar = WorkerProcess::this_program([LIAR, &seed.to_string()]).expect("this program");
        let host = bench.host.isolated(WorkerProcess { grace: Duration::from_millis(300), ..liar }).expect("a wall");
        let path = bench.path(&seed.to_string());
        let worked = host.start(&code, &path, &options).and_then(|mut plugin| {
            plugin.begin(0, &header())?;
            for batch in 0..4 {
                plugin.feed(0, &flights(batch * 10, 10))?;
                plugin.set_source_offset("input", batch * 10)?;
                plugin.with_engine(|engine| engine.list_checkpoints())?;
                plugin.checkpoint()?;
                plugin.take_emitted();
                plugin.results(true, 100)?;
            }
            Ok(())
        });
        match worked {
            Err(RuntimeError::Trap { .. } | RuntimeError::Limit { .. }) => ended += 1,
            // A changed answer may be an answer, too, or an error of another kind.
            _ => other += 1,
        }
        // What is there is what the real worker wrote.
        let directory = alluvium::NativeDirectory::open_exclusive(&path).expect("no other writer");
        let found = alluvium_core::tools::verify::verify(&directory);
        drop(alluvium_core::directory::block_on(found).unwrap_or_else(|error| panic!("seed {seed}: {error}")));
    }
    assert!(ended > other, "{ended} ended, {other} did not");
    bench.neighbour().feed(0, &flights(0, 10)).expect("the host works on");
}
