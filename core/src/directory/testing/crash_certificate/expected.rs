//! Calls on a directory, and the files that must exist after them.

use std::collections::BTreeMap;

use crate::directory::contract::{Directory, EntryKind, NewFile};
use crate::directory::error::DirectoryError;

/// One call of the script.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    Create(&'static [(&'static str, usize)]),
    Delete(&'static [&'static str]),
}

/// The files that must exist, and those that may.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    pub(super) there: BTreeMap<String, Vec<u8>>,
    /// The call that the failure cut short.
    pub(super) cut: Option<Cut>,
}

#[derive(Debug, Clone)]
pub(super) enum Cut {
    Create(Vec<NewFile>),
    Delete(Vec<String>),
}

/// Returns a file's content, which follows from its path and its length.
fn content(path: &str, bytes: usize) -> Vec<u8> {
    path.bytes().cycle().zip(0_u8..=250).map(|(byte, at)| byte ^ at).cycle().take(bytes).collect()
}

impl Call {
    fn cut(self) -> Cut {
        match self {
            Self::Create(files) => {
                let file =
                    |(path, bytes): &(&str, usize)| NewFile { path: (*path).into(), content: content(path, *bytes) };
                Cut::Create(files.iter().map(file).collect())
            }
            Self::Delete(paths) => Cut::Delete(paths.iter().map(|path| (*path).to_owned()).collect()),
        }
    }
}

impl Expected {
    /// Makes a call. Its promise counts once it has succeeded.
    pub(super) async fn call<D: Directory>(&mut self, directory: &D, call: Call) -> Result<(), DirectoryError> {
        self.cut = Some(call.cut());
        match call.cut() {
            Cut::Create(batch) => {
                directory.create(batch.clone()).await?;
                self.there.extend(batch.into_iter().map(|file| (file.path, file.content)));
            }
            Cut::Delete(paths) => {
                directory.delete(&paths).await?;
                self.there.retain(|path, _| !paths.contains(path));
            }
        }
        self.cut = None;
        Ok(())
    }

    /// Checks what a directory lists and reads. Returns the names of the files that are left over from a
    /// call that was cut short.
    pub(super) async fn check<D: Directory>(&self, directory: &D) -> Result<Vec<String>, String> {
        let mut leftovers = Vec::new();
        let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for entry in directory.list().await.map_err(|error| error.to_string())? {
            match entry.kind {
                EntryKind::File => {
                    let read = directory
                        .read(&entry.path)
                        .await
                        .map_err(|error| format!("a listed file cannot be read: {error}"))?;
                    if read.len() as u64 != entry.bytes {
                        return Err(format!("{}: {} bytes listed, {} read", entry.path, entry.bytes, read.len()));
                    }
                    found.insert(entry.path, read);
                }
                EntryKind::Temporary | EntryKind::EmptyDirectory => leftovers.push(entry.path),
                EntryKind::Other => return Err(format!("{} is neither a file nor a leftover", entry.path)),
            }
        }
        let may_go = |path: &String| matches!(&self.cut, Some(Cut::Delete(paths)) if paths.contains(path));
        for (path, content) in &self.there {
            match found.remove(path) {
                Some(read) if read == *content => {}
                Some(read) => return Err(format!("{path}: {} bytes that are not what was created", read.len())),
                None if may_go(path) => {}
                None => return Err(format!("{path} was acknowledged, but is gone")),
            }
        }
        if let Some(Cut::Create(batch)) = &self.cut {
            let last = batch.last().filter(|last| found.contains_key(&last.path));
            for file in batch {
                match (found.remove(&file.path), last) {
                    (Some(read), _) if read == file.content => leftovers.push(file.path.clone()),
                    (Some(read), _) => {
                        return Err(format!("{} is listed, but is not whole: {} bytes", file.path, read.len()));
                    }
                    (None, Some(last)) => return Err(format!("{} exists without {}", last.path, file.path)),
                    (None, None) => {}
                }
            }
        }
        found
            .keys()
            .next()
            .map_or(Ok(leftovers), |path| Err(format!("{path} exists, but was never created or was deleted")))
    }
}
