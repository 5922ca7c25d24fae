//! The bytes of a file or a pipe as they are stored, read until a deadline.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::context::{Context, NEAR_BYTES};
use crate::files;

/// How much is read at a time where lines are counted.
const PIECE_BYTES: usize = 1 << 16;

/// An open file. Nothing else reads through its descriptor, because what moves one moves the other.
#[derive(Debug)]
pub(super) struct Raw {
    input: Input,
    /// The size of a regular file; nothing else can be read from any offset.
    total_bytes: Option<u64>,
    read_bytes: u64,
    deadline: Instant,
    /// Bytes that were read and then given back.
    unread: VecDeque<u8>,
}

#[derive(Debug)]
enum Input {
    File(File),
    StandardInput,
}

impl Input {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::File(file) => file.as_fd(),
            Self::StandardInput => rustix::stdio::stdin(),
        }
    }
}

impl Raw {
    /// Returns the bytes of a file that nothing else reads.
    pub(super) fn of_file(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let total_bytes = metadata.is_file().then_some(metadata.len());
        Ok(Self { total_bytes, ..Self::of(Input::File(file)) })
    }

    /// Returns the bytes of the standard input. They may be a file's: what is before them is not ours.
    pub(super) fn standard_input() -> Self {
        Self::of(Input::StandardInput)
    }

    fn of(input: Input) -> Self {
        Self { input, total_bytes: None, read_bytes: 0, deadline: Instant::now(), unread: VecDeque::new() }
    }

    /// Until when reading may wait. After it, reading is [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Whether it is a regular file.
    pub(super) fn is_file(&self) -> bool {
        self.total_bytes.is_some()
    }

    pub(super) fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    pub(super) fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// Returns the file, if it is one.
    fn file(&self) -> io::Result<&File> {
        match &self.input {
            Input::File(file) => Ok(file),
            Input::StandardInput => Err(io::ErrorKind::NotSeekable.into()),
        }
    }

    /// Returns how many bytes the file has now.
    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file()?.metadata()?.len())
    }

    /// Returns the device and the number of the file.
    pub(super) fn file_id(&self) -> io::Result<(u64, u64)> {
        Ok(files::file_id(&self.file()?.metadata()?))
    }

    /// Returns up to `length` bytes from there, and does not move where reading is.
    pub(super) fn read_at(&self, byte: u64, length: usize) -> io::Result<Vec<u8>> {
        let (file, mut bytes, mut count) = (self.file()?, vec![0; length], 0);
        loop {
            match file.read_at(&mut bytes[count..], byte + count as u64) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Returns how many line ends are before a byte.
    pub(super) fn lines_before(&self, byte: u64) -> io::Result<u64> {
        let (mut at, mut lines) = (0, 0);
        while at < byte {
            let left = usize::try_from(byte - at).unwrap_or(usize::MAX);
            let piece = self.read_at(at, left.min(PIECE_BYTES))?;
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
            lines += memchr::memchr_iter(b'\n', &piece).count() as u64;
        }
        Ok(lines)
    }

    /// Returns the text around a byte of a plain file; `None` if the file is shorter.
    pub(super) fn context(&self, byte: u64) -> io::Result<Option<Context>> {
        if self.length()? < byte {
            return Ok(None);
        }
        let near = (NEAR_BYTES as u64).min(byte);
        let length = usize::try_from(near).unwrap_or(NEAR_BYTES);
        Ok(Some(Context::at(byte, self.read_at(0, length)?, self.read_at(byte - near, length)?)))
    }

    /// Gives bytes back, to be read again.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.unread.extend(bytes);
    }

    /// Waits until there is something to read. A regular file always has it.
    fn wait(&self) -> io::Result<()> {
        let fd = self.input.fd();
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            match rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&left)) {
                Ok(0) => return Err(io::ErrorKind::WouldBlock.into()),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.unread.is_empty() {
            return self.unread.read(buffer);
        }
        loop {
            if !self.is_file() {
                self.wait()?;
            }
            match rustix::io::read(self.input.fd(), &mut *buffer) {
                Ok(count) => {
                    self.read_bytes += count as u64;
                    return Ok(count);
                }
                // Another reader of the same pipe was faster.
                Err(Errno::AGAIN) if Instant::now() < self.deadline => {}
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Seek for Raw {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let Input::File(file) = &mut self.input else { return Err(io::ErrorKind::NotSeekable.into()) };
        self.unread.clear();
        self.read_bytes = file.seek(to)?;
        Ok(self.read_bytes)
    }
}
