//! Directories of the real file system: the tests' own data, scratch space, and small mounted disks.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use alluvium_core::directory::MemoryDirectory;

use crate::{Files, memory};

/// A path below the tests' own directory.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Every file below a directory of the real file system, by relative path.
pub fn load(root: &Path) -> Files {
    fn walk(root: &Path, at: &Path, files: &mut Files) {
        let entries = std::fs::read_dir(at).unwrap_or_else(|error| panic!("{}: {error}", at.display()));
        for entry in entries {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").replace('\\', "/");
                files.insert(name, std::fs::read(&path).expect("readable"));
            }
        }
    }
    let mut files = Files::new();
    walk(root, root, &mut files);
    files
}

/// Writes `files` below a new directory of the real file system; one that is there is deleted first.
pub fn store(root: &Path, files: &Files) {
    match std::fs::remove_dir_all(root) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", root.display()),
        _ => {}
    }
    write(root, files);
}

/// Writes `files` below a directory of the real file system, beside what is there.
pub fn write(root: &Path, files: &Files) {
    for (path, content) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("below the root")).expect("directory");
        std::fs::write(path, content).expect("file");
    }
}

/// A new directory on the fastest storage that there is: for tests of which nothing depends on it,
/// since what a power failure leaves is simulated, and what SIGKILL leaves is the same everywhere.
pub fn scratch() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

/// One of the directories that LaminarDB wrote.
pub fn fixture(name: &str) -> Arc<MemoryDirectory> {
    memory(load(&here("fixtures/laminar").join(name)))
}

/// A tmpfs of the test's own; it is unmounted when this is dropped.
#[derive(Debug)]
pub struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    /// Mounts one with these options of `mount`, or says why it cannot: that needs root.
    pub fn mount(options: &str) -> Result<Self, String> {
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(scratch.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self(scratch)),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("mount: {error}")),
        }
    }

    /// Changes its options.
    pub fn remount(&self, options: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.path()).status();
        assert!(status.is_ok_and(|status| status.success()), "a tmpfs that is mounted can be remounted");
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily, so that a file which a failed test still has open does not keep it mounted.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
