//! Creates an ordered batch. It writes and syncs all files under temporary names, and then names them in order.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use alluvium_core::directory::{DirectoryError, NewFile, Operation, check_names};
use wasip2::filesystem::types::{Descriptor, ErrorCode};

use super::error::directory_error;
use super::handle::{Handle, Root, split, until_synced};
use super::listing::TEMPORARY_PREFIX;
use super::{CHUNK_BYTES, Promises};
use crate::component::pieces::next_piece;

thread_local! {
    /// Numbers the temporary files of one instance.
    static COUNTER: Cell<u64> = const { Cell::new(0) };
}

/// Creates the batch. `settled` holds the subdirectories whose names are known to be durable.
pub(super) async fn create(
    root: &Root,
    promises: Promises,
    settled: &RefCell<BTreeSet<String>>,
    batch: &[NewFile],
) -> Result<(), DirectoryError> {
    check_names(batch, |path| is_taken(root, path))?;
    let Some((last, earlier)) = batch.split_last() else { return Ok(()) };
    let mut pending =
        Pending { root, promises, directories: BTreeMap::new(), new: BTreeSet::new(), temporaries: vec![] };
    // All bytes are written before the first sync waits for the disk.
    let mut files = Vec::new();
    for file in batch {
        files.push(pending.write(file).await?);
    }
    for (file, new) in files.iter().zip(batch).filter(|_| promises.syncs_files) {
        next_piece().await;
        until_synced(|| file.sync_data()).await.map_err(|code| failed(code, &new.path))?;
    }
    drop(files);
    for (index, file) in earlier.iter().enumerate() {
        pending.name(index, file)?;
    }
    let mut to_sync: BTreeSet<&str> = earlier.iter().map(|file| split(&file.path).0).collect();
    let unsettled = pending.unsettled(&settled.borrow());
    if !unsettled.is_empty() {
        to_sync.insert("");
    }
    for directory in to_sync {
        next_piece().await;
        pending.sync(directory).await?;
    }
    next_piece().await;
    // The last file is named only now, because everything that it refers to is durable.
    pending.name(earlier.len(), last)?;
    pending.sync(split(&last.path).0).await?;
    settled.borrow_mut().extend(unsettled);
    Ok(())
}

/// Whether a name is taken.
fn is_taken(root: &Root, path: &str) -> Result<bool, DirectoryError> {
    let (directory, name) = split(path);
    match root.directory(directory) {
        Err(ErrorCode::NoEntry) => Ok(false),
        result => {
            let there = result.and_then(|directory| directory.stat_if_there(name));
            Ok(there.map_err(|code| failed(code, path))?.is_some())
        }
    }
}

/// Creates an empty file under an unused temporary name.
pub(super) fn create_temporary(directory: &Handle) -> Result<(Descriptor, String), ErrorCode> {
    loop {
        let count = COUNTER.get();
        COUNTER.set(count + 1);
        let name = format!("{TEMPORARY_PREFIX}wasi-{count}");
        match directory.create_file(&name) {
            // An earlier instance left this file behind, or a concurrent one uses it. Try the next name.
            Err(ErrorCode::Exist) => {}
            result => return result.map(|file| (file, name)),
        }
    }
}

fn failed(code: ErrorCode, path: &str) -> DirectoryError {
    directory_error(code, Operation::Create, path)
}

/// A batch that is being created. Dropping it removes the temporary names that are left.
struct Pending<'a> {
    root: &'a Root,
    promises: Promises,
    directories: BTreeMap<String, Handle>,
    /// The directories that this batch has created. Their names are not durable yet, even if `settled` has them.
    new: BTreeSet<String>,
    /// The temporary name of each file of the batch, and the directory that holds it.
    temporaries: Vec<(String, String)>,
}

impl Pending<'_> {
    /// Writes a file under a temporary name, in the directory of its final name.
    async fn write(&mut self, new: &NewFile) -> Result<Descriptor, DirectoryError> {
        let directory = split(&new.path).0;
        self.open_directory(directory).map_err(|code| failed(code, &new.path))?;
        let (file, name) = create_temporary(&self.directories[directory]).map_err(|code| failed(code, &new.path))?;
        self.temporaries.push((directory.to_owned(), name));
        let mut offset = 0;
        while offset < new.content.len() {
            next_piece().await;
            let chunk = &new.content[offset..new.content.len().min(offset + CHUNK_BYTES)];
            let written = file.write(chunk, offset as u64).map_err(|code| failed(code, &new.path))?;
            // A write of zero bytes would be repeated forever.
            match usize::try_from(written) {
                Ok(written) if (1..=chunk.len()).contains(&written) => offset += written,
                _ => return Err(failed(ErrorCode::Io, &new.path).because("the runtime wrote no bytes")),
            }
        }
        Ok(file)
    }

    fn open_directory(&mut self, name: &str) -> Result<(), ErrorCode> {
        if self.directories.contains_key(name) {
            return Ok(());
        }
        if !name.is_empty() {
            match self.root.directory("")?.create_directory(name) {
                Ok(()) => drop(self.new.insert(name.to_owned())),
                Err(ErrorCode::Exist) => {}
                Err(code) => return Err(code),
            }
        }
        let handle = self.root.directory(name)?;
        self.directories.insert(name.to_owned(), handle);
        Ok(())
    }

    /// Gives a written file its final name, unless the name is taken.
    fn name(&mut self, index: usize, new: &NewFile) -> Result<(), DirectoryError> {
        let (directory, temporary) = &self.temporaries[index];
        let (handle, name) = (&self.directories[directory], split(&new.path).1);
        if self.promises.names_exclusively {
            // The temporary name is removed at the end. Until then it costs nothing.
            return handle.link(temporary, name).map_err(|code| failed(code, &new.path));
        }
        let taken = handle.stat_if_there(name).map_err(|code| failed(code, &new.path))?;
        let renamed = if taken.is_some() { Err(ErrorCode::Exist) } else { handle.rename(temporary, name) };
        renamed.map_err(|code| failed(code, &new.path))
    }

    /// Returns the directories of this batch whose own names a crash could still remove.
    fn unsettled(&self, settled: &BTreeSet<String>) -> Vec<String> {
        let is_unsettled = |name: &&String| !name.is_empty() && (!settled.contains(*name) || self.new.contains(*name));
        self.directories.keys().filter(is_unsettled).cloned().collect()
    }

    async fn sync(&self, directory: &str) -> Result<(), DirectoryError> {
        if !self.promises.syncs_directories {
            return Ok(());
        }
        let failed = |code| failed(code, directory);
        let opened;
        let handle = match self.directories.get(directory) {
            Some(handle) => handle,
            None => {
                opened = self.root.directory(directory).map_err(failed)?;
                &opened
            }
        };
        until_synced(|| handle.sync()).await.map_err(failed)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        // A temporary file that cannot be removed now is listed as temporary and is removed later. Directories
        // that the batch left empty are removed too. Removing the others fails, which is intended.
        for (directory, name) in &self.temporaries {
            let _ = self.directories[directory].unlink(name);
        }
        if let Ok(root) = self.root.directory("") {
            for directory in self.directories.keys().filter(|name| !name.is_empty()) {
                let _ = root.remove_directory(directory);
            }
        }
    }
}
