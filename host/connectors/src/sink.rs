//! Exactly once to the outside: what an operator emits becomes visible with the checkpoint that it
//! belongs to, or not at all.
//!
//! Two steps, around the checkpoint's commit. [`Sink::prepare`] makes what was emitted durable
//! where it is not seen, and gives a token that is stored inside the checkpoint. Once the checkpoint
//! stands, [`Sink::commit`] makes it visible. After a crash [`Sink::recover`] gets the token of the
//! recovered checkpoint and completes what is missing; it may be called again.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use alluvium_core::model::hash::checksum;

/// A receiver of what operators emit.
pub trait Sink {
    /// Takes what was emitted, in order. It is not visible yet, and a crash forgets it.
    fn emit(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Before the checkpoint's commit: makes everything emitted so far durable, still unseen. The
    /// token must go into that checkpoint.
    fn prepare(&mut self) -> io::Result<String>;

    /// After the checkpoint's commit: makes visible what `token` stands for. To do it again changes
    /// nothing.
    fn commit(&mut self, token: &str) -> io::Result<()>;

    /// After opening, with the token of the recovered checkpoint, `None` where there is none:
    /// completes what was prepared with it, and takes back what came later.
    fn recover(&mut self, token: Option<&str>) -> io::Result<()>;
}

/// What one checkpoint adds to a file: so many bytes at this offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Addition {
    offset: u64,
    bytes: u64,
    checksum: u64,
}

impl Addition {
    fn token(self) -> String {
        format!("{} {} {:016x}", self.offset, self.bytes, self.checksum)
    }

    fn parse(token: &str) -> io::Result<Self> {
        let mut parts = token.split(' ');
        let addition = (|| {
            Some(Self {
                offset: parts.next()?.parse().ok()?,
                bytes: parts.next()?.parse().ok()?,
                checksum: u64::from_str_radix(parts.next()?, 16).ok()?,
            })
        })();
        addition
            .filter(|addition| parts.next().is_none() && addition.offset.checked_add(addition.bytes).is_some())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{token:?} is no token of a file sink")))
    }

    fn end(self) -> u64 {
        self.offset + self.bytes
    }
}

/// A sink that appends to a file. What is not committed waits in a file beside it, `FILE.pending`.
///
/// ```
/// use alluvium_connectors::sink::{FileSink, Sink};
///
/// let scratch = tempfile::tempdir()?;
/// let path = scratch.path().join("alerts.ndjson");
/// let mut sink = FileSink::open(&path)?;
/// sink.recover(None)?;
/// sink.emit(b"{\"late\":90}\n")?;
/// let token = sink.prepare()?;
/// assert!(!path.exists());
/// // … the checkpoint that holds the token is committed …
/// sink.commit(&token)?;
/// assert_eq!(std::fs::read(&path)?, b"{\"late\":90}\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    pending_path: PathBuf,
    pending: File,
    /// Bytes of the file that a checkpoint stands for.
    committed: u64,
}

impl FileSink {
    /// A sink over `path`. Call [`recover`](Sink::recover) before anything else.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let mut name = path.file_name().ok_or_else(|| at(&path, "names no file"))?.to_os_string();
        name.push(".pending");
        let pending_path = path.with_file_name(name);
        let pending = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&pending_path);
        let pending = pending.map_err(|error| at(&pending_path, error))?;
        Ok(Self { path, pending_path, pending, committed: 0 })
    }

    /// Bytes that are visible, all of them backed by a checkpoint.
    pub fn committed_bytes(&self) -> u64 {
        self.committed
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn pending_bytes(&self) -> io::Result<Vec<u8>> {
        std::fs::read(&self.pending_path).map_err(|error| at(&self.pending_path, error))
    }

    fn forget_pending(&mut self) -> io::Result<()> {
        self.pending.set_len(0).map_err(|error| at(&self.pending_path, error))?;
        self.pending.seek(SeekFrom::Start(0)).map(|_| ())
    }

    /// The directory's names: a file that was created is there after a crash only once they are synced.
    fn sync_names(&self) -> io::Result<()> {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|directory| directory.sync_all()).map_err(|error| at(parent, error))
    }

    /// The bytes of an addition, if they are what waits.
    fn waiting(&self, addition: Addition) -> io::Result<Option<Vec<u8>>> {
        let bytes = self.pending_bytes()?;
        let found = Addition { bytes: bytes.len() as u64, checksum: checksum(&bytes, 0), ..addition };
        Ok((found == addition).then_some(bytes))
    }

    /// Writes an addition where it belongs. Cut short by a crash, it is written again, over itself.
    fn append(&mut self, addition: Addition) -> io::Result<()> {
        let length = self.length()?;
        // Before the addition nothing may be missing: it would be filled with zeros.
        let bytes = self.waiting(addition)?.filter(|_| length >= addition.offset).ok_or_else(|| {
            let what = format!(
                "{} of the {} bytes that the checkpoint stands for are missing, and {} does not hold them: the file was \
                 changed by another program",
                addition.end() - length.min(addition.end()),
                addition.end(),
                self.pending_path.display()
            );
            at(&self.path, what)
        })?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.path);
        let mut file = file.map_err(|error| at(&self.path, error))?;
        file.set_len(addition.offset)?;
        file.seek(SeekFrom::Start(addition.offset))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|error| at(&self.path, error))?;
        self.sync_names()
    }

    fn length(&self) -> io::Result<u64> {
        match std::fs::metadata(&self.path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(at(&self.path, error)),
        }
    }
}

fn at(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

impl Sink for FileSink {
    fn emit(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pending.write_all(bytes).map_err(|error| at(&self.pending_path, error))
    }

    fn prepare(&mut self) -> io::Result<String> {
        self.pending.sync_all().map_err(|error| at(&self.pending_path, error))?;
        self.sync_names()?;
        let bytes = self.pending_bytes()?;
        let addition = Addition { offset: self.committed, bytes: bytes.len() as u64, checksum: checksum(&bytes, 0) };
        Ok(addition.token())
    }

    fn commit(&mut self, token: &str) -> io::Result<()> {
        let addition = Addition::parse(token)?;
        if addition.end() > self.committed {
            self.append(addition)?;
            self.committed = addition.end();
            self.forget_pending()?;
        }
        Ok(())
    }

    fn recover(&mut self, token: Option<&str>) -> io::Result<()> {
        let addition = match token {
            Some(token) => Addition::parse(token)?,
            None => Addition { offset: 0, bytes: 0, checksum: 0 },
        };
        let length = self.length()?;
        // Bytes wait until the file is synced. While they do, a power failure may have left the file as
        // long as it must be and full of anything.
        if length < addition.end() || (addition.bytes > 0 && self.waiting(addition)?.is_some()) {
            self.append(addition)?;
        } else if length > addition.end() {
            // Of a checkpoint that is no longer the newest, or of another run altogether.
            let file = OpenOptions::new().write(true).open(&self.path).map_err(|error| at(&self.path, error))?;
            file.set_len(addition.end()).and_then(|()| file.sync_all()).map_err(|error| at(&self.path, error))?;
        }
        self.committed = addition.end();
        self.forget_pending()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(directory: &Path, token: Option<&str>) -> FileSink {
        let mut sink = FileSink::open(directory.join("out")).unwrap();
        sink.recover(token).unwrap();
        sink
    }

    fn visible(directory: &Path) -> Vec<u8> {
        std::fs::read(directory.join("out")).unwrap_or_default()
    }

    /// What a run leaves that is killed after its second checkpoint and before it shows what belongs to
    /// it: "one " is there, "two " is what the token stands for.
    fn killed_before_showing(directory: &Path) -> String {
        let mut first = sink(directory, None);
        first.emit(b"one ").unwrap();
        let token = first.prepare().unwrap();
        first.commit(&token).unwrap();
        first.emit(b"two ").unwrap();
        first.prepare().unwrap()
    }

    #[test]
    fn what_was_not_committed_is_never_seen() {
        let scratch = tempfile::tempdir().unwrap();
        let mut first = sink(scratch.path(), None);
        first.emit(b"one ").unwrap();
        let token = first.prepare().unwrap();
        // Killed before the checkpoint: the token was never stored.
        drop(first);
        let mut second = sink(scratch.path(), None);
        assert_eq!(visible(scratch.path()), b"");
        second.emit(b"one ").unwrap();
        assert_eq!(second.prepare().unwrap(), token, "the same again gives the same");
    }

    #[test]
    fn a_commit_cut_short_anywhere_is_completed() {
        for written in 0..=4 {
            let scratch = tempfile::tempdir().unwrap();
            let token = killed_before_showing(scratch.path());
            // Some of the addition is in the file already.
            let mut file = OpenOptions::new().append(true).open(scratch.path().join("out")).unwrap();
            file.write_all(&b"two "[..written]).unwrap();
            let mut second = sink(scratch.path(), Some(&token));
            assert_eq!(visible(scratch.path()), b"one two ", "{written}");
            second.commit(&token).unwrap();
            second.emit(b"three").unwrap();
            let token = second.prepare().unwrap();
            second.commit(&token).unwrap();
            assert_eq!(visible(scratch.path()), b"one two three");
        }
    }

    #[test]
    fn a_commit_torn_by_a_power_failure_is_completed() {
        // What the file may hold where the addition goes: its length is no proof of its bytes.
        for torn in [&b""[..], b"\0\0\0\0", b"tw\0\0", b"\xa5\xa5\xa5\xa5", b"two ", b"two three"] {
            let scratch = tempfile::tempdir().unwrap();
            let token = killed_before_showing(scratch.path());
            std::fs::write(scratch.path().join("out"), [b"one ", torn].concat()).unwrap();
            assert_eq!(sink(scratch.path(), Some(&token)).committed_bytes(), 8);
            assert_eq!(visible(scratch.path()), b"one two ", "{torn:?}");
        }
    }

    #[test]
    fn what_is_missing_before_an_addition_is_not_filled_up() {
        let scratch = tempfile::tempdir().unwrap();
        let token = killed_before_showing(scratch.path());
        std::fs::write(scratch.path().join("out"), b"on").unwrap();
        let error = FileSink::open(scratch.path().join("out")).unwrap().recover(Some(&token)).unwrap_err();
        assert!(error.to_string().contains("out: 6 of the 8 bytes"), "{error}");
        assert_eq!(visible(scratch.path()), b"on", "and nothing was changed");
    }

    #[test]
    fn going_back_to_an_older_checkpoint_takes_back_what_came_after() {
        let scratch = tempfile::tempdir().unwrap();
        let mut first = sink(scratch.path(), None);
        let mut tokens = Vec::new();
        for part in [&b"one "[..], b"two ", b"three"] {
            first.emit(part).unwrap();
            tokens.push(first.prepare().unwrap());
            first.commit(tokens.last().unwrap()).unwrap();
        }
        assert_eq!(sink(scratch.path(), Some(&tokens[0])).committed_bytes(), 4);
        assert_eq!(visible(scratch.path()), b"one ");
    }

    #[test]
    fn a_file_that_was_cut_is_an_error_that_names_it() {
        let scratch = tempfile::tempdir().unwrap();
        let mut first = sink(scratch.path(), None);
        first.emit(b"one two three").unwrap();
        let token = first.prepare().unwrap();
        first.commit(&token).unwrap();
        drop(first);
        std::fs::write(scratch.path().join("out"), b"one").unwrap();
        let error = FileSink::open(scratch.path().join("out")).unwrap().recover(Some(&token)).unwrap_err();
        assert!(error.to_string().contains("out: 10 of the 13 bytes"), "{error}");
        assert_eq!(visible(scratch.path()), b"one", "and nothing was changed");
        for token in ["", "1 2", "1 2 x", "1 2 3 4", "18446744073709551615 1 0"] {
            assert!(sink(scratch.path(), None).commit(token).is_err(), "{token}");
        }
    }
}
