//! The input: a file or the standard input, plain or compressed, and how much of it has been read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::failure::Failure;

/// An opened input.
pub(super) struct Input {
    /// How errors call it.
    pub(super) name: String,
    /// The text, decompressed.
    pub(super) text: Box<dyn Read + Send>,
    meter: Meter,
    /// The same as a plain file, where it is one.
    pub(super) plain: Option<Plain>,
}

/// A plain file, which can be read from any offset.
pub(super) struct Plain {
    file: File,
    read: Arc<AtomicU64>,
}

impl Plain {
    /// The rest of the file from `byte` on, if a line ends there: otherwise it is another file than
    /// the one whose records were consumed, or a shorter one.
    pub(super) fn seek_to_line(&self, byte: u64) -> Option<Box<dyn Read + Send>> {
        let mut file = self.file.try_clone().ok()?;
        let mut before = [0];
        file.seek(SeekFrom::Start(byte.checked_sub(1)?)).ok()?;
        file.read_exact(&mut before).ok()?;
        self.read.store(byte, Ordering::Relaxed);
        let rest = Metered { raw: Box::new(file), read: Arc::clone(&self.read) };
        (before == [b'\n']).then(|| Box::new(rest) as Box<dyn Read + Send>)
    }
}

/// How much of the input has been read, for the progress bar.
#[derive(Clone)]
pub(super) struct Meter {
    read: Arc<AtomicU64>,
    /// The size of a file; nothing of a pipe.
    pub(super) total_bytes: Option<u64>,
}

impl Meter {
    pub(super) fn read_bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Input {
    pub(super) fn meter(&self) -> Meter {
        self.meter.clone()
    }
}

/// Opens the input; gzip is recognised by its first bytes, not by the name of the file.
pub(super) fn open(path: &Path) -> Result<Input, Failure> {
    if path == Path::new("-") {
        return decompress("standard input", Box::new(io::stdin()), None, None);
    }
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let metadata = file.metadata().map_err(|error| Failure::file(path, &error))?;
    if metadata.is_dir() {
        return Err(Failure::at(path.display(), "is a directory").hint("name a CSV file"));
    }
    let total_bytes = metadata.is_file().then_some(metadata.len());
    let again = if metadata.is_file() { file.try_clone().ok() } else { None };
    decompress(&path.display().to_string(), Box::new(file), total_bytes, again)
}

fn decompress(
    name: &str,
    raw: Box<dyn Read + Send>,
    total_bytes: Option<u64>,
    file: Option<File>,
) -> Result<Input, Failure> {
    let meter = Meter { read: Arc::default(), total_bytes };
    let mut raw = BufReader::with_capacity(1 << 16, Metered { raw, read: Arc::clone(&meter.read) });
    // A pipe may hand over its first byte alone; what else there is does not matter then: one byte
    // of 0x1f is no CSV header.
    let start = raw.fill_buf().map_err(|error| Failure::at(name, error))?;
    let is_gzip = start.starts_with(&[0x1f, 0x8b]) || start == [0x1f];
    let text: Box<dyn Read + Send> = if is_gzip { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) };
    let plain = file.filter(|_| !is_gzip).map(|file| Plain { file, read: Arc::clone(&meter.read) });
    Ok(Input { name: name.to_owned(), text, meter, plain })
}

struct Metered {
    raw: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.raw.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
