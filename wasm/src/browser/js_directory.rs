//! A directory that JavaScript keeps. It serves OPFS and `node:fs`, whose calls are shorter in JavaScript.
//!
//! The object has the five operations of [`Directory`] as asynchronous methods. They throw errors with a `kind`
//! (the names are in `failure`) and a `path`. Any other thrown value is an input/output error. Names are checked
//! here, so that a method is never called with a name outside the contract.

use alluvium_core::directory::{
    Directory, DirectoryError, DirectoryErrorKind, Entry, EntryKind, NewFile, Operation, is_valid_path,
};
use js_sys::Uint8Array;
use serde_bytes::Bytes;
use wasm_bindgen::prelude::*;

use super::convert::{from_js, to_js};
use super::failure::{failure, thrown};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A directory of immutable files: the contract of the engine's `Directory`. Several reads may be under way at once. */
export interface JsDirectory {
  /** Every name, in order: path, length in bytes, kind (0 file, 1 empty directory, 2 temporary, 3 other). */
  list(): Promise<[path: string, bytes: number, kind: number][]>;
  /** The whole content of a file. */
  read(path: string): Promise<Uint8Array>;
  /** A range that reaches past the end is "out-of-range". */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** Exclusive and durable; the last file is the commit. */
  create(paths: string[], contents: Uint8Array[]): Promise<void>;
  /** Deletes files. One that does not exist is no error. */
  delete(paths: string[]): Promise<void>;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// A directory that JavaScript keeps.
    #[wasm_bindgen(typescript_type = "JsDirectory")]
    #[derive(Debug, Clone)]
    pub type JsDirectory;
    #[wasm_bindgen(method, catch)]
    async fn list(this: &JsDirectory) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn read(this: &JsDirectory, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = readRange)]
    async fn read_range(this: &JsDirectory, path: &str, offset: f64, length: f64) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn create(this: &JsDirectory, paths: JsValue, contents: JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn delete(this: &JsDirectory, paths: JsValue) -> Result<JsValue, JsValue>;
}

/// The largest safe integer of JavaScript. Offsets above it lie past the end of any file.
const MAX_SAFE: u64 = (1 << 53) - 1;

impl Directory for JsDirectory {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        let listed = Self::list(self).await.map_err(|error| thrown(Operation::List, "", &error))?;
        let wrong = |what: String| {
            let what = format!("the listing is not one of path, bytes and kind: {what}");
            failure(Operation::List, "", &what.into())
        };
        let entry = |(path, bytes, kind): (String, u64, u8)| {
            let kind = match kind {
                0 => EntryKind::File,
                1 => EntryKind::EmptyDirectory,
                2 => EntryKind::Temporary,
                3 => EntryKind::Other,
                _ => return Err(wrong(format!("there is no kind {kind}"))),
            };
            Ok(Entry { path, bytes, kind })
        };
        let listed: Vec<_> = from_js(listed).map_err(wrong)?;
        let mut entries = listed.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        entries.sort_unstable();
        Ok(entries)
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        check_readable(path)?;
        bytes(path, Self::read(self, path).await)
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        check_readable(path)?;
        let past_the_end = || DirectoryError::new(DirectoryErrorKind::OutOfRange, Operation::Read, path);
        if offset.checked_add(length as u64).is_none_or(|end| end > MAX_SAFE) {
            // A missing file is `NotFound` for every range.
            bytes(path, Self::read_range(self, path, 0.0, 0.0).await)?;
            return Err(past_the_end());
        }
        let found = bytes(path, Self::read_range(self, path, offset as f64, length as f64).await)?;
        if found.len() == length { Ok(found) } else { Err(past_the_end()) }
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        if let Some(file) = batch.iter().find(|file| !is_valid_path(&file.path)) {
            return Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Create, &file.path));
        }
        let Some(last) = batch.last() else { return Ok(()) };
        let paths: Vec<&str> = batch.iter().map(|file| file.path.as_str()).collect();
        let contents: Vec<&Bytes> = batch.iter().map(|file| Bytes::new(&file.content)).collect();
        let created = Self::create(self, to_js(&paths), to_js(&contents)).await;
        created.map(drop).map_err(|error| thrown(Operation::Create, &last.path, &error))
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        // A file with such a name cannot exist. These names must not reach a real file system.
        let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0', ':']);
        let deletable = paths.iter().filter(|path| path.split('/').all(is_name) && path.split('/').count() <= 2);
        let paths: Vec<&String> = deletable.collect();
        if paths.is_empty() {
            return Ok(());
        }
        let deleted = Self::delete(self, to_js(&paths)).await;
        deleted.map(drop).map_err(|error| thrown(Operation::Delete, "", &error))
    }
}

fn check_readable(path: &str) -> Result<(), DirectoryError> {
    if is_valid_path(path) {
        Ok(())
    } else {
        Err(DirectoryError::new(DirectoryErrorKind::NotFound, Operation::Read, path))
    }
}

fn bytes(path: &str, read: Result<JsValue, JsValue>) -> Result<Vec<u8>, DirectoryError> {
    let read = read.map_err(|error| thrown(Operation::Read, path, &error))?;
    match read.dyn_into::<Uint8Array>() {
        Ok(array) => Ok(array.to_vec()),
        Err(other) => {
            let what = other.js_typeof().as_string().unwrap_or_default();
            Err(failure(Operation::Read, path, &format!("the directory returned {what} instead of bytes").into()))
        }
    }
}
