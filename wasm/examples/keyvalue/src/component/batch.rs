//! Files that are being created. Their parts are set as they come, and then the keys that say that they exist.

use std::mem;
use std::rc::Rc;

use alluvium_core::directory::is_valid_path;

use super::files::{File, Files};
use super::wit::Error;
use crate::keys::PART_BYTES;

/// The most bytes that one call adds.
const WRITE_BYTES: usize = 1 << 20;

/// What the value of a `file` key is. Its key says everything, and some stores refuse empty values.
const EXISTS: &[u8] = b"1";

/// A file whose parts are being set.
#[derive(Default)]
struct New {
    path: String,
    bytes: u64,
    parts: Vec<String>,
    /// What does not fill a part yet.
    rest: Vec<u8>,
}

/// A batch. Unless it comes to the keys of files, it deletes its parts.
pub(super) struct Pending {
    files: Rc<Files>,
    /// The number of the change, once it has begun.
    count: Option<u64>,
    new: Vec<New>,
}

impl Pending {
    pub(super) fn new(files: Rc<Files>) -> Self {
        Self { files, count: None, new: Vec::new() }
    }

    pub(super) fn add(&mut self, path: String) -> Result<(), Error> {
        if !is_valid_path(&path) {
            return Err(Error::Invalid(path));
        }
        self.fill(true)?;
        if self.new.iter().any(|new| new.path == path) {
            return Err(Error::AlreadyExists(path));
        }
        self.new.push(New { path, ..New::default() });
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > WRITE_BYTES {
            return Err(Error::Invalid(format!("{} bytes are more than {WRITE_BYTES}", bytes.len())));
        }
        let Some(new) = self.new.last_mut() else {
            return Err(Error::Invalid("no file was begun".to_owned()));
        };
        new.rest.extend_from_slice(bytes);
        new.bytes += bytes.len() as u64;
        self.fill(false)
    }

    fn begin(&mut self) -> Result<u64, Error> {
        match self.count {
            Some(count) => Ok(count),
            None => Ok(*self.count.insert(self.files.count()?)),
        }
    }

    /// Sets the parts of the last file that are full, and at its end the one that is not.
    fn fill(&mut self, is_at_end: bool) -> Result<(), Error> {
        let is_ready = |new: &New| new.rest.len() >= PART_BYTES || is_at_end && !new.rest.is_empty();
        if !self.new.last().is_some_and(is_ready) {
            return Ok(());
        }
        let count = self.begin()?;
        let Some(new) = self.new.last_mut() else { return Ok(()) };
        let whole = if is_at_end { new.rest.len() } else { new.rest.len() / PART_BYTES * PART_BYTES };
        let rest = new.rest.split_off(whole);
        let parts = mem::replace(&mut new.rest, rest);
        let place = &self.files.store.place;
        let mut pairs = Vec::new();
        for part in parts.chunks(PART_BYTES) {
            let key = place.part(&new.path, count, new.parts.len() as u64);
            new.parts.push(key.clone());
            pairs.push((key, part.to_vec()));
        }
        self.files.store.set_many(&pairs)
    }

    pub(super) fn commit(mut self) -> Result<(), Error> {
        self.fill(true)?;
        let count = self.begin()?;
        let created = self.files.scan()?;
        if let Some(taken) = self.new.iter().find(|new| created.contains_key(&new.path)) {
            return Err(Error::AlreadyExists(taken.path.clone()));
        }
        // From here on, others may build on what is there. So nothing is deleted after an error.
        let new = mem::take(&mut self.new);
        let place = &self.files.store.place;
        for file in &new {
            self.files.store.set(&place.file(&file.path, count, file.bytes), EXISTS)?;
        }
        if self.files.count()? != count.saturating_add(1) {
            self.yield_to_others(count, &new)?;
        }
        for New { path, bytes, parts, .. } in new {
            self.files.created(path, File { count, bytes }, parts);
        }
        Ok(())
    }

    /// Gives up what another change has created, too, which was made at the same time.
    fn yield_to_others(&self, count: u64, new: &[New]) -> Result<(), Error> {
        let created = self.files.scan()?;
        let is_contested =
            |new: &&New| created.get(&new.path).is_some_and(|counts| counts.iter().any(|other| *other != count));
        let Some(contested) = new.iter().find(is_contested) else { return Ok(()) };
        // The last file must not be there. The others stay, because another checkpoint may name them by now.
        let given_up = new.iter().enumerate().filter(|(at, file)| *at + 1 == new.len() || is_contested(file));
        for (_, file) in given_up.rev() {
            let store = &self.files.store;
            store.delete_many(&[store.place.file(&file.path, count, file.bytes)])?;
            store.delete_many(&file.parts)?;
        }
        Err(Error::AlreadyExists(contested.path.clone()))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let parts: Vec<String> = mem::take(&mut self.new).into_iter().flat_map(|new| new.parts).collect();
        // What cannot be deleted now is listed as left over.
        let _ = self.files.store.delete_many(&parts);
    }
}
