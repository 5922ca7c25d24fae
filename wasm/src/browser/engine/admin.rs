//! Listing, verifying, restoring and deleting checkpoints, and archives of them.

use std::sync::Arc;

use alluvium_core::archive;
use alluvium_core::tools::{inspect, verify};
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

use super::super::convert::{self, object};
use super::{Engine, Manager};

#[wasm_bindgen]
impl Engine {
    /// Every checkpoint, newest first: metadata, or what is wrong with it.
    pub fn list(&self) -> Promise {
        self.reading(move |directory| {
            Box::pin(async move {
                let item = |summary: inspect::CheckpointSummary| match summary.metadata {
                    Ok(metadata) => object(&[("id", summary.id.into()), ("metadata", convert::metadata(&metadata))]),
                    Err(damage) => object(&[("id", summary.id.into()), ("damage", damage.into())]),
                };
                let listed = inspect::list_checkpoints(directory).await?;
                Ok(listed.into_iter().map(item).collect::<Array>().into())
            })
        })
    }

    /// The opaque state of a checkpoint.
    #[wasm_bindgen(js_name = loadState)]
    pub fn load_state(&self, id: u64) -> Promise {
        self.reading(move |directory| {
            Box::pin(async move {
                let state = inspect::load_state(directory, id).await?;
                Ok(js_sys::Uint8Array::from(&state[..]).into())
            })
        })
    }

    /// Reads every byte and says what is wrong with it.
    pub fn verify(&self) -> Promise {
        self.reading(|directory| {
            Box::pin(async { verify::verify(directory).await.map(|report| convert::verified(&report)) })
        })
    }

    /// One checkpoint as a tar archive; the newest without an `id`.
    #[wasm_bindgen(js_name = exportArchive)]
    pub fn export_archive(&self, id: Option<u64>) -> Promise {
        self.reading(move |directory| {
            Box::pin(async move {
                let archive = archive::export(directory, id).await?;
                Ok(js_sys::Uint8Array::from(&archive[..]).into())
            })
        })
    }

    /// Brings an archive in: it becomes the newest checkpoint and the live state.
    #[wasm_bindgen(js_name = importArchive)]
    pub fn import_archive(&self, archive: Vec<u8>) -> Promise {
        let options = self.shared.options.clone();
        self.exclusively("an import", move |manager| {
            Box::pin(async move {
                let (directory, config) = (Arc::clone(manager.directory()), manager.config().clone());
                let imported =
                    archive::import(&archive, Arc::clone(&directory), config.clone(), options.clone()).await?;
                *manager = Manager::open(directory, config, options).await?;
                Ok(convert::metadata(&imported))
            })
        })
    }

    /// Makes a kept checkpoint the newest and the live state.
    pub fn restore(&self, id: u64) -> Promise {
        self.exclusively("a restore", move |manager| {
            Box::pin(async move { manager.restore_checkpoint(id).await.map(|metadata| convert::metadata(&metadata)) })
        })
    }

    /// Deletes one checkpoint.
    #[wasm_bindgen(js_name = deleteCheckpoint)]
    pub fn delete_checkpoint(&self, id: u64) -> Promise {
        self.exclusively("a deletion", move |manager| {
            Box::pin(async move { manager.delete_checkpoint(id).await.map(|report| convert::maintenance(&report)) })
        })
    }

    /// Lets all but the newest `keep` go.
    pub fn cleanup(&self, keep: u32) -> Promise {
        self.exclusively("a cleanup", move |manager| {
            Box::pin(async move {
                let report = manager.cleanup_old_checkpoints_keep(keep as usize).await?;
                Ok(convert::maintenance(&report))
            })
        })
    }

    /// Deletes what no kept checkpoint names.
    #[wasm_bindgen(js_name = collectGarbage)]
    pub fn collect_garbage(&self) -> Promise {
        self.exclusively("a garbage collection", move |manager| {
            Box::pin(async move {
                let report = manager.collect_garbage().await?;
                let gone: Vec<&str> =
                    report.files.iter().filter(|file| !file.keep).map(|file| file.path.as_str()).collect();
                Ok(object(&[
                    ("deleted", convert::texts(&gone)),
                    ("reclaimedBytes", convert::number(report.reclaimed_bytes())),
                    ("rebasedBytes", convert::number(0)),
                    ("errors", convert::texts(&report.errors)),
                ]))
            })
        })
    }
}
