//! Implements [`Directory`] on a preopened directory of WASI 0.2.
//!
//! It uses WASI's own interface rather than `std::fs`, because `std::fs` reports a full disk as an error
//! without a kind. Every name is opened in the handle of the directory that holds it, and symbolic links are
//! never followed. [`create`] creates files, [`delete`] deletes them, [`listing`] lists them, and [`promises`]
//! tests what the runtime can do.
//!
//! # What WASI cannot do
//!
//! - **Locks.** WASI 0.2 has no locks. Only exclusive creation protects a directory that two engines use: the
//!   later engine gets [`DirectoryErrorKind::AlreadyExists`] from [`Directory::create`] and has not changed any
//!   checkpoint. The host that grants the directory can hold an advisory lock, which makes this case rare.
//! - **Renaming without replacing.** WASI's rename replaces an existing file. A file therefore gets its name by
//!   a hard link, which is exclusive, and its temporary name is removed afterwards. After a crash between the two
//!   steps, the whole file has both names. The temporary name is listed as
//!   [`EntryKind::Temporary`](alluvium_core::directory::EntryKind::Temporary) and may be deleted.
//! - **Hard links and directory syncs everywhere.** Some runtimes refuse them. The directory tests this once, when
//!   it is opened, and [`WasiDirectory::weaker_promises`] reports it. A strict manager then refuses to open.
//!   Without hard links, a file is renamed after a check that its name is free. This is safe for one writer.
//!   Without directory syncs, a name may be lost when the machine crashes, but not when only the process crashes.
//! - **Details of errors.** An error has only a code. Some runtimes, for instance, report an exceeded quota as an
//!   I/O error.

mod create;
mod delete;
mod error;
mod handle;
mod listing;
mod promises;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;

use alluvium_core::directory::{Directory, DirectoryError, DirectoryErrorKind, Entry, NewFile, Operation, Wanted};
use alluvium_core::format::paths::Name;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorType, ErrorCode};

use error::{directory_error, refused};
use handle::{Root, split};
pub use promises::Promises;

use crate::component::pieces::{self, next_piece};

/// The number of bytes that are written in one call, and read in one piece of work.
const CHUNK_BYTES: usize = 1 << 20;

/// The number of bytes that are read in one call. A segment has fewer, so that reading it needs no second copy.
const READ_BYTES: usize = 8 << 20;

/// The number of partial checkpoints that opening puts up with. Each of their directories is synced, and waits for the
/// disk. WASI cannot sync a whole file system at once.
const PARTIAL_MAX: u32 = 1_024;

/// A preopened directory.
#[derive(Debug)]
pub struct WasiDirectory {
    root: Root,
    promises: Promises,
    /// The subdirectories whose own names are known to survive a crash.
    settled: RefCell<BTreeSet<String>>,
}

impl WasiDirectory {
    /// Opens the preopened directory that the guest knows as `name`. Without a name, it opens the only one.
    pub fn named(name: Option<&str>) -> Result<Self, DirectoryError> {
        let mut granted = get_directories();
        let names = granted.iter().map(|(_, name)| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let error = |name: &str, kind, why: String| Err(DirectoryError::new(kind, Operation::Open, name).because(why));
        let position = match name {
            Some(name) => granted.iter().position(|(_, granted)| granted == name),
            None if granted.len() > 1 => {
                return error("", DirectoryErrorKind::Invalid, format!("the host grants {names}: say which one"));
            }
            None => (!granted.is_empty()).then_some(0),
        };
        let names = if names.is_empty() { "none" } else { &names };
        match position {
            Some(position) => Self::open(granted.swap_remove(position).0),
            None => error(
                name.unwrap_or_default(),
                DirectoryErrorKind::NotFound,
                format!("the host grants no such directory; it grants {names}"),
            ),
        }
    }

    /// Opens the directory of a handle, and tests what the runtime can do there.
    pub fn open(handle: Descriptor) -> Result<Self, DirectoryError> {
        let root = Root::new(handle);
        let promises = Promises::find_out(&root)?;
        let directory = Self { root, promises, settled: RefCell::default() };
        if promises.syncs_directories {
            directory.settle()?;
        }
        Ok(directory)
    }

    /// Makes every existing name of the engine and every deletion durable.
    ///
    /// If an earlier instance died between naming a file and syncing its directory, a power failure could still
    /// remove the name. If it died during a deletion, the name could come back. The engine must not rely on such
    /// a name, and must not report it.
    fn settle(&self) -> Result<(), DirectoryError> {
        let failed = |code, name: &str| directory_error(code, Operation::Open, name);
        let root = self.root.directory("").map_err(|code| failed(code, ""))?;
        let (mut partial, mut unsettled) = (0, Vec::new());
        for (name, _) in root.names().map_err(|code| failed(code, ""))? {
            let is_checkpoint = matches!(Name::parse(&name), Name::EmptyCheckpoint(_));
            if !is_checkpoint && name != "segments" && name != "wal" {
                continue;
            }
            // The type in the listing may be unknown. The type from stat is reliable.
            let stat = root.stat_if_there(&name).map_err(|code| failed(code, &name))?;
            if stat.is_none_or(|stat| stat.type_ != DescriptorType::Directory) {
                continue;
            }
            if is_checkpoint {
                let metadata = root.stat_if_there(&format!("{name}/metadata.json"));
                partial += u32::from(metadata.map_err(|code| failed(code, &name))?.is_none());
            }
            if partial > PARTIAL_MAX {
                let why =
                    format!("more than {PARTIAL_MAX} partial checkpoints, each of which must be synced: delete them");
                return Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Open, "").because(why));
            }
            unsettled.push(name);
        }
        // Syncs take long, so too many of them are refused before the first.
        for name in unsettled {
            match root.directory(&name).and_then(|directory| directory.sync()) {
                Ok(()) => drop(self.settled.borrow_mut().insert(name)),
                // The directory was removed in the meantime.
                Err(ErrorCode::NoEntry | ErrorCode::NotDirectory) => {}
                Err(code) => return Err(failed(code, &name)),
            }
        }
        root.sync().map_err(|code| failed(code, ""))
    }

    /// Returns the promises of the contract that this runtime cannot keep, one sentence each.
    pub fn weaker_promises(&self) -> Vec<String> {
        self.promises.weaker()
    }

    async fn read_at(&self, path: &str, range: Option<(u64, usize)>) -> Result<Vec<u8>, DirectoryError> {
        let failed = |code| directory_error(code, Operation::Read, path);
        handle::check_path(path, Operation::Read)?;
        let (above, name) = split(path);
        let directory = self.root.directory(above).map_err(failed)?;
        // The type is checked before the file is opened, because opening a pipe could wait forever.
        let stat = directory.stat(name).map_err(failed)?;
        if stat.type_ != DescriptorType::RegularFile {
            return Err(refused(Operation::Read, path, "not a regular file"));
        }
        let (offset, length) = match range {
            Some((offset, length)) => (offset, length as u64),
            None => (0, stat.size),
        };
        let out_of_range = |held: u64| {
            DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path)
                .because(format!("{length} bytes at {offset} of a file of {held}"))
        };
        if offset.checked_add(length).is_none_or(|end| end > stat.size) {
            return Err(out_of_range(stat.size));
        }
        let length = usize::try_from(length).map_err(|_| out_of_range(stat.size))?;
        let mut content = Vec::new();
        content.try_reserve_exact(length).map_err(|error| failed(ErrorCode::InsufficientMemory).because(error))?;
        let most = if pieces::are_on() { CHUNK_BYTES } else { READ_BYTES };
        if length <= most {
            // The size was checked above. If all bytes arrive in one piece, that piece is used without a copy.
            content = Vec::new();
        }
        let file = directory.open_file(name).map_err(failed)?;
        while content.len() < length {
            let wanted = (length - content.len()).min(most);
            let (bytes, _) = file.read(wanted as u64, offset + content.len() as u64).map_err(failed)?;
            if bytes.is_empty() || bytes.len() > wanted {
                return Err(out_of_range(offset + content.len() as u64));
            }
            if content.is_empty() && bytes.len() == length {
                return Ok(bytes);
            }
            content.extend_from_slice(&bytes);
            next_piece().await;
        }
        Ok(content)
    }
}

impl Directory for WasiDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        next_piece().await;
        listing::list(&self.root, |_| true)
    }

    async fn list_only(&self, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        next_piece().await;
        listing::list(&self.root, wanted)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        next_piece().await;
        self.read_at(path, None).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        next_piece().await;
        self.read_at(path, Some((offset, length))).await
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        create::create(&self.root, self.promises, &self.settled, &batch).await
    }

    async fn create_and_list_only(&self, batch: Vec<NewFile>, wanted: Wanted) -> Result<Vec<Entry>, DirectoryError> {
        self.create(batch).await?;
        self.list_only(wanted).await
    }

    async fn pause(&self) {
        next_piece().await;
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        next_piece().await;
        delete::delete(&self.root, self.promises, &self.settled, paths).await
    }
}
