//! Reads the file of a component.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::RuntimeError;

/// Reads the file of a component, if it is a regular file of at most `bytes_max` bytes.
///
/// It is opened once, and without waiting: to open a pipe may wait for ever, and a device may have no end. What is
/// there is read up to the limit, whatever the length was said to be.
pub(super) fn read(file: &Path, bytes_max: u64) -> Result<Vec<u8>, RuntimeError> {
    let refused = |why: String| RuntimeError::component(file, why);
    let unreadable =
        |error: io::Error| refused(format!("cannot be read: {error}; check its path and that this user may read it"));
    let opened = open(file).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(refused("is no regular file".to_owned()));
    }
    let too_long = |bytes: u64| refused(format!("has {bytes} bytes: a component has at most {bytes_max}"));
    if metadata.len() > bytes_max {
        return Err(too_long(metadata.len()));
    }
    let mut bytes = Vec::new();
    opened.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > bytes_max { Err(too_long(bytes.len() as u64)) } else { Ok(bytes) }
}

fn open(file: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error about a file that `make` makes.
    fn refusal(make: impl FnOnce(&Path)) -> String {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let path = scratch.path().join("long.wasm");
        make(&path);
        read(&path, 100).expect_err("it is refused").to_string()
    }

    #[test]
    fn only_a_regular_file_of_a_bounded_length_is_read() {
        let sparse = |path: &Path| File::create(path).and_then(|file| file.set_len(101)).expect("a sparse file");
        assert!(refusal(sparse).contains("long.wasm: has 101 bytes: a component has at most 100"));
        let fifo = |path: &Path| {
            let mode = rustix::fs::Mode::RWXU;
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
        };
        assert!(refusal(fifo).contains("is no regular file"), "no writer comes, and nothing waits");
        let device = |path: &Path| std::os::unix::fs::symlink("/dev/zero", path).expect("a link");
        assert!(refusal(device).contains("is no regular file"));
        assert!(refusal(|path| std::fs::create_dir(path).expect("a directory")).contains("is no regular file"));
        assert!(refusal(|_| {}).contains("cannot be read"));
    }
}
