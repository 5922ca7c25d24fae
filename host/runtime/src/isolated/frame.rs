//! Frames: a length, then so many bytes; descriptors travel beside a length.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use alluvium_core::model::stop::Stop;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// How many descriptors one frame may bring: a directory, its lock, and the code of engine and plugin.
pub(super) const DESCRIPTORS_MAX: usize = 4;

const LENGTH_BYTES: usize = 4;

/// So much is read at a time, whatever length was claimed.
const PIECE_BYTES: usize = 64 << 10;

/// How often a wait asks whether it must end.
const STEP: Duration = Duration::from_millis(10);

/// Until when a frame is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until<'a> {
    pub(super) deadline: Instant,
    /// Ends the wait earlier, when it says so.
    pub(super) stop: Option<&'a Stop>,
}

impl Until<'_> {
    /// Returns how long to wait before this is asked again.
    fn left(self) -> Result<Duration, Broken> {
        if self.stop.is_some_and(Stop::must_end) {
            return Err(Broken::Stopped);
        }
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(Broken::Late),
            left if self.stop.is_some() => Ok(left.min(STEP)),
            left => Ok(left),
        }
    }
}

/// Why a frame was not exchanged.
#[derive(Debug)]
pub(super) enum Broken {
    /// The other side has closed its end.
    Gone,
    /// It took too long.
    Late,
    /// The call that it is part of is over.
    Stopped,
    /// It is not what was agreed, as said.
    Form(String),
    /// The system failed.
    System(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Gone,
            _ => Self::System(error),
        }
    }
}

impl From<rustix::io::Errno> for Broken {
    fn from(errno: rustix::io::Errno) -> Self {
        io::Error::from(errno).into()
    }
}

/// Waits until the socket can be read or written, for as long as `until` says.
fn wait(socket: &UnixStream, flags: PollFlags, until: Option<Until<'_>>) -> Result<(), Broken> {
    loop {
        let left = until.map(Until::left).transpose()?;
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::new(socket, flags)], left.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Sends a frame, with descriptors, for as long as `until` says.
pub(super) fn send(
    socket: &UnixStream,
    body: &[u8],
    descriptors: &[BorrowedFd<'_>],
    until: Option<Until<'_>>,
) -> Result<(), Broken> {
    let length = u32::try_from(body.len()).map_err(|_| Broken::Form("a message of more than 4 GiB".to_owned()))?;
    let length = length.to_le_bytes();
    let mut sent = 0;
    while sent < LENGTH_BYTES + body.len() {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if sent == 0 && !descriptors.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Broken::Form(format!("{} descriptors in one message", descriptors.len())));
        }
        let head = &length[sent.min(LENGTH_BYTES)..];
        let rest = &body[sent.saturating_sub(LENGTH_BYTES)..];
        let flags = if until.is_some() { SendFlags::NOSIGNAL | SendFlags::DONTWAIT } else { SendFlags::NOSIGNAL };
        match sendmsg(socket, &[IoSlice::new(head), IoSlice::new(rest)], &mut beside, flags) {
            Ok(bytes) => sent += bytes,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => wait(socket, PollFlags::OUT, until)?,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Receives a frame of at most `most` bytes. Descriptors that come with it are closed.
pub(super) fn receive(mut socket: &UnixStream, most: usize, until: Until<'_>) -> Result<Vec<u8>, Broken> {
    let mut received = Vec::new();
    let mut piece = vec![0; PIECE_BYTES.min(most.saturating_add(LENGTH_BYTES))];
    let mut wanted = LENGTH_BYTES;
    loop {
        wait(socket, PollFlags::IN, Some(until))?;
        let read = match socket.read(&mut piece) {
            Ok(0) => return Err(Broken::Gone),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if received.len() + read > received.capacity() {
            // Twice as much as there is, but never more than is wanted.
            let twice = received.len().min(wanted - received.len());
            received.reserve_exact(twice.max(read));
        }
        received.extend_from_slice(&piece[..read]);
        if let Some(length) = received.first_chunk::<LENGTH_BYTES>() {
            let length = u32::from_le_bytes(*length) as usize;
            if length > most {
                return Err(Broken::Form(format!("a message of {length} bytes, where at most {most} can come")));
            }
            wanted = LENGTH_BYTES + length;
        }
        if received.len() > wanted {
            return Err(Broken::Form("more than it was asked for".to_owned()));
        }
        if received.len() == wanted {
            received.drain(..LENGTH_BYTES);
            return Ok(received);
        }
    }
}

/// Waits for a frame of a host that is trusted, with its descriptors. None if the host has closed its end.
pub(super) fn next(mut socket: &UnixStream) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut length = [0; LENGTH_BYTES];
    let first = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(&mut length)], &mut beside, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            first => break first?.bytes,
        }
    };
    if first == 0 {
        return Ok(None);
    }
    let descriptors = beside.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    let descriptors = descriptors.collect();
    socket.read_exact(&mut length[first..])?;
    let mut body = Vec::new();
    socket.take(u32::from_le_bytes(length).into()).read_to_end(&mut body)?;
    if body.len() < u32::from_le_bytes(length) as usize {
        return Ok(None);
    }
    Ok(Some((body, descriptors)))
}
