//! A directory in `IndexedDB`: one value per file, one strict transaction per batch.
//!
//! Two object stores keyed by path: `files` holds the contents and `lengths` their lengths, so that
//! a listing reads no content. Both change in the same transaction. Large contents are kept as `Blob`,
//! which read back two to three times faster than arrays; small ones as arrays, as are all where a
//! blob is no part of its transaction (see [`blobs_are_atomic`]) or refused.
//!
//! Every transaction issues all its requests in one synchronous run and then waits for `complete` or
//! `abort`: a transaction commits itself when anything else is awaited within it, and a request's
//! `success` promises nothing: a full disk arrives as an abort after it. Nor is a transaction told to
//! `commit`, which would save it a question: Firefox 153 then commits what a taken name should abort, and
//! Chromium 156 does not say any more that it was the quota.

use std::cell::Cell;

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation, is_valid_path,
};
use js_sys::{Array, ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DomException, IdbDatabase, IdbFactory, IdbObjectStore, IdbRequest, IdbTransaction};

/// Contents by path.
const FILES: &str = "files";
/// Lengths by path.
const LENGTHS: &str = "lengths";
/// From this length on a content is a blob. A blob is a file of its own to the browser, with a sync of
/// its own: the metadata of a checkpoint is better kept within the database.
const BLOB_BYTES: usize = 64 << 10;
/// Version of these two stores.
const VERSION: u32 = 1;

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase.transaction` with its options, which web-sys keeps behind an unstable flag.
    #[wasm_bindgen(extends = IdbDatabase)]
    #[derive(Debug)]
    type Database;
    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn begin(this: &Database, stores: &Array, mode: &str, options: &JsValue) -> Result<IdbTransaction, JsValue>;
}

/// A directory in `IndexedDB`; closed when it is dropped.
#[derive(Debug)]
pub struct IndexedDbDirectory {
    database: Database,
    /// Until the browser refuses one.
    as_blob: Cell<bool>,
}

impl IndexedDbDirectory {
    /// Opens the database `name`, which is made when it is not there.
    ///
    /// Somebody who deletes the database is let through: operations after that fail with
    /// [`DirectoryErrorKind::Io`].
    pub async fn open(name: &str) -> Result<Self, DirectoryError> {
        let failed = |error: JsValue| failure(Operation::Open, "", &error);
        let factory: IdbFactory = Reflect::get(&js_sys::global(), &"indexedDB".into())
            .ok()
            .filter(|factory| !factory.is_undefined() && !factory.is_null())
            .ok_or_else(|| failed("there is no indexedDB here: not a browser, or forbidden by its settings".into()))?
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
        let close = Function::new_no_args("this.close()");
        database.set_onversionchange(Some(&close));
        Ok(Self { database, as_blob: Cell::new(blobs_are_atomic()) })
    }

    /// A transaction over both stores.
    fn transaction(&self, mode: &str) -> Result<(IdbTransaction, IdbObjectStore, IdbObjectStore), JsValue> {
        let options = js_sys::Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into())?;
        let transaction = self.database.begin(&Array::of2(&FILES.into(), &LENGTHS.into()), mode, &options)?;
        let (files, lengths) = (transaction.object_store(FILES)?, transaction.object_store(LENGTHS)?);
        Ok((transaction, files, lengths))
    }

    /// Both requests for a path, answered by one transaction: content and length.
    async fn lookup(&self, path: &str) -> Result<(JsValue, u64), DirectoryError> {
        let failed = |error: JsValue| failure(Operation::Read, path, &error);
        let (transaction, files, lengths) = self.transaction("readonly").map_err(failed)?;
        let key = JsValue::from_str(path);
        let content = files.get(&key).map_err(failed)?;
        let length = lengths.get(&key).map_err(failed)?;
        ended(&transaction).await.map_err(failed)?;
        let content = content.result().map_err(failed)?;
        if content.is_undefined() {
            return Err(DirectoryError::new(DirectoryErrorKind::NotFound, Operation::Read, path));
        }
        let recorded = length.result().map_err(failed)?.as_f64().map(whole);
        let held = match content.dyn_ref::<Blob>() {
            Some(blob) => Some(whole(blob.size())),
            None => content.dyn_ref::<Uint8Array>().map(|array| u64::from(array.length())),
        };
        match held {
            Some(held) if recorded == Some(held) => Ok((content, held)),
            _ => {
                let bytes = |bytes: Option<u64>| bytes.map_or("no bytes".into(), |bytes| format!("{bytes} bytes"));
                Err(failed(format!("{} are stored and {} recorded", bytes(held), bytes(recorded)).into()))
            }
        }
    }

    /// The bytes of a stored content from `start` to `end`, which lie within it.
    async fn bytes(path: &str, content: JsValue, start: u64, end: u64) -> Result<Vec<u8>, DirectoryError> {
        let failed = |error: JsValue| failure(Operation::Read, path, &error);
        let Some(blob) = content.dyn_ref::<Blob>() else {
            #[allow(clippy::cast_possible_truncation, reason = "an array's length is 32 bits")]
            return Ok(content.unchecked_into::<Uint8Array>().subarray(start as u32, end as u32).to_vec());
        };
        let slice = blob.slice_with_f64_and_f64(start as f64, end as f64).map_err(failed)?;
        let buffer: ArrayBuffer = JsFuture::from(slice.array_buffer()).await.map_err(failed)?.unchecked_into();
        let bytes = Uint8Array::new(&buffer).to_vec();
        // A blob whose file was taken away reads short in some browsers.
        if bytes.len() as u64 == end - start {
            Ok(bytes)
        } else {
            Err(failed(format!("{} bytes read of {}", bytes.len(), end - start).into()))
        }
    }

    /// Adds a batch in one transaction, and lists in it what is there then.
    async fn add(&self, batch: &[NewFile]) -> Result<Listing, Refused> {
        let begin_failed = |error: JsValue| Refused { at: None, error };
        let (transaction, files, lengths) = self.transaction("readwrite").map_err(begin_failed)?;
        let mut requests = Vec::with_capacity(batch.len());
        for (at, file) in batch.iter().enumerate() {
            let added = content_value(&file.content, self.as_blob.get()).and_then(|value| {
                let key = JsValue::from_str(&file.path);
                let request = files.add_with_key(&value, &key)?;
                lengths.add_with_key(&JsValue::from_f64(file.content.len() as f64), &key)?;
                Ok(request)
            });
            match added {
                Ok(request) => requests.push(request),
                Err(error) => {
                    // Already aborted is as good.
                    let _ = transaction.abort();
                    return Err(Refused { at: Some(at), error });
                }
            }
        }
        let listing = Listing::ask(&lengths).map_err(begin_failed)?;
        ended(&transaction).await.map_err(|error| {
            let taken = |request: &IdbRequest| name_of(&error_of(request)).as_deref() == Some("ConstraintError");
            match requests.iter().position(taken) {
                Some(at) => Refused { at: Some(at), error: error_of(&requests[at]) },
                None => Refused { at: None, error },
            }
        })?;
        Ok(listing)
    }
}

impl Drop for IndexedDbDirectory {
    fn drop(&mut self) {
        self.database.close();
    }
}

/// A listing that a transaction was asked for.
struct Listing {
    paths: IdbRequest,
    lengths: IdbRequest,
}

impl Listing {
    fn ask(lengths: &IdbObjectStore) -> Result<Self, JsValue> {
        Ok(Self { paths: lengths.get_all_keys()?, lengths: lengths.get_all()? })
    }

    /// What it gave, once the transaction has ended.
    fn entries(&self) -> Result<Vec<Entry>, DirectoryError> {
        let result = |request: &IdbRequest| -> Result<Array, DirectoryError> {
            Ok(request.result().map_err(|error| failure(Operation::List, "", &error))?.unchecked_into())
        };
        let entry = |(path, length): (JsValue, JsValue)| {
            let bytes = length.as_f64().map(whole).unwrap_or_default();
            path.as_string().map(|path| Entry { path, bytes, kind: EntryKind::File })
        };
        let (paths, lengths) = (result(&self.paths)?, result(&self.lengths)?);
        let mut entries: Vec<Entry> = paths.iter().zip(lengths.iter()).filter_map(entry).collect();
        // The browser sorts by UTF-16; names of ours are ASCII, foreign ones may not be.
        entries.sort_unstable();
        Ok(entries)
    }
}

/// Why a batch was not added, and at which file, where that is known.
struct Refused {
    at: Option<usize>,
    error: JsValue,
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
            // Where the browser does not say which file, the last stands for the batch: it is the commit.
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

/// A length as the browser gives it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths are whole and positive")]
fn whole(length: f64) -> u64 {
    length as u64
}

/// Whether this browser makes a blob durable together with the transaction that stores it.
///
/// `WebKit` does not: it commits the record first and gives the blob's file its name afterwards, so that a
/// browser killed in between comes up with a committed record whose blob is empty, or is another's whose
/// file had that name before. Nothing that a page can ask tells this, therefore the browsers that were
/// tested are named. On iOS these call themselves otherwise, and are `WebKit` there.
fn blobs_are_atomic() -> bool {
    let named = || {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
        Reflect::get(&navigator, &"userAgent".into()).ok()?.as_string()
    };
    named().is_some_and(|name| name.contains("Chrome/") || name.contains("Firefox/"))
}

/// What is stored for a content.
fn content_value(content: &[u8], as_blob: bool) -> Result<JsValue, JsValue> {
    if as_blob && content.len() >= BLOB_BYTES {
        // SAFETY: the view is of wasm's memory, which must not grow or move while it is used. It is used by
        // the constructor alone, which copies the bytes before it returns, and nothing of ours runs meanwhile.
        let view = unsafe { Uint8Array::view(content) };
        Blob::new_with_u8_array_sequence(&Array::of1(&view)).map(Into::into)
    } else {
        Ok(Uint8Array::from(content).into())
    }
}

/// Waits for a transaction's `complete`; its `abort` is the error.
async fn ended(transaction: &IdbTransaction) -> Result<(), JsValue> {
    let promise = Promise::new(&mut |resolve: Function, reject: Function| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(promise).await {
        Ok(_) => Ok(()),
        // An abort without an error: by the browser, when it closes the database.
        Err(_) => Err(transaction
            .error()
            .map_or_else(|| "the transaction was aborted by the browser".into(), |error: DomException| error.into())),
    }
}

fn error_of(request: &IdbRequest) -> JsValue {
    match request.error() {
        Ok(Some(error)) => error.into(),
        Ok(None) => JsValue::UNDEFINED,
        Err(error) => error,
    }
}

/// The name of a `DOMException` or an error.
fn name_of(error: &JsValue) -> Option<String> {
    Reflect::get(error, &"name".into()).ok()?.as_string()
}

/// What the browser said, as the one error of directories.
pub(super) fn failure(operation: Operation, path: &str, error: &JsValue) -> DirectoryError {
    let name = name_of(error).unwrap_or_default();
    let kind = match name.as_str() {
        "QuotaExceededError" => DirectoryErrorKind::NoSpace,
        "ConstraintError" => DirectoryErrorKind::AlreadyExists,
        _ => DirectoryErrorKind::Io,
    };
    let message = Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string());
    let said = error.as_string().or(message).unwrap_or_default();
    DirectoryError::new(kind, operation, path).because(match (name.as_str(), said.as_str()) {
        ("", _) => said,
        // Chromium ends the transactions of a database that was deleted or cleared this way.
        ("InvalidStateError", _) => {
            format!("the browser closed the database, as it does when storage is cleared: {said}")
        }
        (_, "") => name,
        _ => format!("{name}: {said}"),
    })
}
