//! Lists, verifies, restores, deletes, exports and imports checkpoints.

use std::sync::Arc;

use alluvium_core::archive;
use alluvium_core::tools::{inspect, verify};
use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::super::convert;
use super::{Engine, Manager};

#[wasm_bindgen]
impl Engine {
    /// Lists all checkpoints, newest first. Each item has the metadata, or says what is wrong with the checkpoint.
    pub fn list(&self) -> Promise {
        self.reading(async move |directory| {
            let listed = inspect::list_checkpoints(directory).await?;
            Ok(convert::listed(&listed))
        })
    }

    /// Returns the opaque state of a checkpoint.
    #[wasm_bindgen(js_name = loadState)]
    pub fn load_state(&self, id: u64) -> Promise {
        self.reading(async move |directory| {
            let state = inspect::load_state(directory, id).await?;
            Ok(js_sys::Uint8Array::from(&state[..]).into())
        })
    }

    /// Reads every byte of every file and reports what is wrong with it.
    pub fn verify(&self) -> Promise {
        self.reading(async |directory| Ok(convert::verified(&verify::verify(directory).await?)))
    }

    /// Returns one checkpoint as a tar archive. Without an `id` it is the newest.
    #[wasm_bindgen(js_name = exportArchive)]
    pub fn export_archive(&self, id: Option<u64>) -> Promise {
        self.reading(async move |directory| {
            let archive = archive::export(directory, id).await?;
            Ok(js_sys::Uint8Array::from(&archive[..]).into())
        })
    }

    /// Returns the metadata of the checkpoint in an archive.
    #[wasm_bindgen(js_name = archiveMetadata)]
    pub fn archive_metadata(&self, archive: &[u8]) -> Result<JsValue, JsValue> {
        archive::metadata(archive).map(|found| convert::metadata(&found)).map_err(convert::error)
    }

    /// Imports an archive, which becomes the newest checkpoint and the live state.
    #[wasm_bindgen(js_name = importArchive)]
    pub fn import_archive(&self, archive: Vec<u8>) -> Promise {
        let options = self.shared.options.clone();
        self.exclusively("an import", async move |manager| {
            let (directory, config) = (Arc::clone(manager.directory()), manager.config().clone());
            let imported = archive::import(&archive, Arc::clone(&directory), config.clone(), options.clone()).await?;
            *manager = Manager::open(directory, config, options).await?;
            Ok(convert::metadata(&imported))
        })
    }

    /// Makes a kept checkpoint the newest and the live state.
    pub fn restore(&self, id: u64) -> Promise {
        self.exclusively("a restore", async move |manager| {
            Ok(convert::metadata(&manager.restore_checkpoint(id).await?))
        })
    }

    /// Deletes one checkpoint.
    #[wasm_bindgen(js_name = deleteCheckpoint)]
    pub fn delete_checkpoint(&self, id: u64) -> Promise {
        self.deleting(move |manager| manager.prepare_deletion(id))
    }

    /// Deletes all checkpoints except the newest `keep`.
    pub fn cleanup(&self, keep: u32) -> Promise {
        self.deleting(move |manager| manager.prepare_cleanup(keep as usize))
    }

    /// Deletes the files that no kept checkpoint names.
    #[wasm_bindgen(js_name = collectGarbage)]
    pub fn collect_garbage(&self) -> Promise {
        self.deleting(Manager::prepare_garbage_collection)
    }
}
