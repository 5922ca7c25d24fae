//! Runs transactions and their requests.

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation};
use js_sys::{Array, Function, Promise, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DomException, IdbDatabase, IdbObjectStore, IdbRequest, IdbTransaction};

use super::super::convert::to_js;
use super::super::failure::{failure, name_of};
use super::content::{content_value, whole};
use super::{FILES, IndexedDbDirectory, LENGTHS};

#[wasm_bindgen]
extern "C" {
    /// Calls `IDBDatabase.transaction` with its options, which web-sys keeps behind an unstable flag.
    #[wasm_bindgen(extends = IdbDatabase)]
    #[derive(Debug)]
    pub(super) type Database;
    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn begin(this: &Database, stores: &Array, mode: &str, options: &JsValue) -> Result<IdbTransaction, JsValue>;
}

/// The browser's `IDBTransactionOptions`.
#[derive(Serialize)]
struct TransactionOptions {
    durability: &'static str,
}

impl IndexedDbDirectory {
    /// Begins a transaction over both stores.
    pub(super) fn transaction(&self, mode: &str) -> Result<(IdbTransaction, IdbObjectStore, IdbObjectStore), JsValue> {
        let options = to_js(&TransactionOptions { durability: "strict" });
        let transaction = self.database.begin(&Array::of2(&FILES.into(), &LENGTHS.into()), mode, &options)?;
        let (files, lengths) = (transaction.object_store(FILES)?, transaction.object_store(LENGTHS)?);
        Ok((transaction, files, lengths))
    }

    /// Reads the content and the length of a path in one transaction.
    pub(super) async fn lookup(&self, path: &str) -> Result<(JsValue, u64), DirectoryError> {
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
                Err(failed(format!("{} are stored, but {} are recorded", bytes(held), bytes(recorded)).into()))
            }
        }
    }

    /// Adds a batch in one transaction, and lists the directory in the same transaction.
    pub(super) async fn add(&self, batch: &[NewFile]) -> Result<Listing, Refused> {
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
                    // If the transaction has already aborted, the call fails, and that is fine.
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

/// A listing that was requested in a transaction.
pub(super) struct Listing {
    paths: IdbRequest,
    lengths: IdbRequest,
}

impl Listing {
    pub(super) fn ask(lengths: &IdbObjectStore) -> Result<Self, JsValue> {
        Ok(Self { paths: lengths.get_all_keys()?, lengths: lengths.get_all()? })
    }

    /// Returns the entries. Call it after the transaction has ended.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, DirectoryError> {
        let result = |request: &IdbRequest| -> Result<Array, DirectoryError> {
            Ok(request.result().map_err(|error| failure(Operation::List, "", &error))?.unchecked_into())
        };
        let entry = |(path, length): (JsValue, JsValue)| {
            let bytes = length.as_f64().map(whole).unwrap_or_default();
            path.as_string().map(|path| Entry { path, bytes, kind: EntryKind::File })
        };
        let (paths, lengths) = (result(&self.paths)?, result(&self.lengths)?);
        let mut entries: Vec<Entry> = paths.iter().zip(lengths.iter()).filter_map(entry).collect();
        // The browser sorts by UTF-16. Alluvium's names are ASCII, but foreign names may not be.
        entries.sort_unstable();
        Ok(entries)
    }
}

/// Says why a batch was not added, and at which file if that is known.
pub(super) struct Refused {
    pub(super) at: Option<usize>,
    pub(super) error: JsValue,
}

/// Waits for a transaction's `complete`. Its `abort` becomes the error.
pub(super) async fn ended(transaction: &IdbTransaction) -> Result<(), JsValue> {
    let promise = Promise::new(&mut |resolve: Function, reject: Function| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(promise).await {
        Ok(_) => Ok(()),
        // The abort has no error if the browser aborted the transaction to close the database.
        Err(_) => Err(transaction
            .error()
            .map_or_else(|| "the browser aborted the transaction".into(), |error: DomException| error.into())),
    }
}

pub(super) fn error_of(request: &IdbRequest) -> JsValue {
    match request.error() {
        Ok(Some(error)) => error.into(),
        Ok(None) => JsValue::UNDEFINED,
        Err(error) => error,
    }
}
