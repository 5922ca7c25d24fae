//! A directory in `IndexedDB`, with one value per file and one strict transaction per batch.
//!
//! There are two object stores keyed by path. `files` holds the contents and `lengths` holds their lengths, so
//! that a listing reads no content. Both change in the same transaction. Large contents are stored as `Blob`s,
//! which read back two to three times faster than arrays. Small contents are stored as arrays. All contents are
//! arrays if the browser refuses blobs or does not store them atomically (see [`blobs_are_atomic`]).
//!
//! Every transaction issues all its requests in one synchronous run and then waits for `complete` or `abort`. A
//! transaction commits itself when the code awaits anything else within it. A request's `success` promises
//! nothing, because a full disk is reported as an abort after it. The code does not call the transaction's
//! `commit`, although that would save a round trip: Firefox 153 then commits a transaction that a taken name
//! should abort, and Chromium 156 no longer reports that the quota was exceeded.

mod content;
mod requests;

use std::cell::Cell;

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, NewFile, Operation, is_valid_path,
};
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbFactory};

use self::content::blobs_are_atomic;
use self::requests::{Database, Listing, ended, error_of};
use super::failure::{failure, name_of};

/// The object store of the contents, by path.
const FILES: &str = "files";
/// The object store of the lengths, by path.
const LENGTHS: &str = "lengths";
/// The version of these two stores.
const VERSION: u32 = 1;

/// A directory in `IndexedDB`. Dropping it closes the database.
#[derive(Debug)]
pub struct IndexedDbDirectory {
    database: Database,
    /// Whether large contents are stored as blobs, until the browser refuses one.
    as_blob: Cell<bool>,
}

impl IndexedDbDirectory {
    /// Opens the database `name`, and creates it if it does not exist.
    ///
    /// It does not block others from deleting the database. Operations fail with [`DirectoryErrorKind::Io`]
    /// after that.
    pub async fn open(name: &str) -> Result<Self, DirectoryError> {
        let failed = |error: JsValue| failure(Operation::Open, "", &error);
        let factory: IdbFactory = Reflect::get(&js_sys::global(), &"indexedDB".into())
            .ok()
            .filter(|factory| !factory.is_undefined() && !factory.is_null())
            .ok_or_else(|| failed("there is no indexedDB here: not a browser, or its settings forbid it".into()))?
            .unchecked_into();
        let request = factory.open_with_u32(name, VERSION).map_err(failed)?;
        let upgrade = Closure::once_into_js({
            let request = request.clone();
            move || -> Result<(), JsValue> {
                let database: IdbDatabase = request.result()?.unchecked_into();
                database.create_object_store(FILES)?;
                database.create_object_store(LENGTHS)?;
                Ok(())
            }
        });
        request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
        let waited = JsFuture::from(Promise::new(&mut |resolve: Function, reject: Function| {
            request.set_onsuccess(Some(&resolve));
            request.set_onerror(Some(&reject));
        }))
        .await;
        waited.map_err(|_| failed(error_of(&request)))?;
        let database: Database = request.result().map_err(failed)?.unchecked_into();
        // A function made of text would need a security policy that allows to evaluate text.
        let close: Function = Reflect::get(&database, &"close".into()).map_err(failed)?.unchecked_into();
        database.set_onversionchange(Some(&close.bind0(&database)));
        Ok(Self { database, as_blob: Cell::new(blobs_are_atomic()) })
    }
}

impl Drop for IndexedDbDirectory {
    fn drop(&mut self) {
        self.database.close();
    }
}

impl Directory for IndexedDbDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let failed = |error: JsValue| failure(Operation::List, "", &error);
        let (transaction, _, lengths) = self.transaction("readonly").map_err(failed)?;
        let listing = Listing::ask(&lengths).map_err(failed)?;
        ended(&transaction).await.map_err(failed)?;
        listing.entries()
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        let (content, length) = self.lookup(path).await?;
        Self::bytes(path, content, 0, length).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        let (content, held) = self.lookup(path).await?;
        match offset.checked_add(length as u64) {
            Some(end) if end <= held => Self::bytes(path, content, offset, end).await,
            _ => Err(DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path)
                .because(format!("{length} bytes at {offset} of a file of {held}"))),
        }
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        self.create_and_list(batch).await.map(drop)
    }

    async fn create_and_list(&self, batch: Vec<NewFile>) -> Result<Vec<Entry>, DirectoryError> {
        if let Some(file) = batch.iter().find(|file| !is_valid_path(&file.path)) {
            return Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Create, &file.path));
        }
        if batch.is_empty() {
            return self.list().await;
        }
        let mut added = self.add(&batch).await;
        if let Err(refused) = &added
            && self.as_blob.get()
            && name_of(&refused.error).as_deref() == Some("DataCloneError")
        {
            self.as_blob.set(false);
            added = self.add(&batch).await;
        }
        let listing = added.map_err(|refused| {
            // If the browser does not say which file failed, the error names the last file, which is the commit.
            let at = refused.at.unwrap_or(batch.len() - 1);
            failure(Operation::Create, &batch[at].path, &refused.error)
        })?;
        listing.entries()
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        let Some(first) = paths.first() else { return Ok(()) };
        let failed = |error: JsValue| failure(Operation::Delete, first, &error);
        let (transaction, files, lengths) = self.transaction("readwrite").map_err(failed)?;
        for path in paths {
            let key = JsValue::from_str(path);
            files.delete(&key).map_err(failed)?;
            lengths.delete(&key).map_err(failed)?;
        }
        ended(&transaction).await.map_err(failed)
    }
}
