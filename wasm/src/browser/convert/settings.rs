//! The options of `Checkpoints.open` that concern the engine.

use std::time::Duration;

use alluvium_core::CheckpointConfig;
use serde::Deserialize;
use serde_bytes::ByteArray;
use wasm_bindgen::prelude::*;

use super::{error_with, message_of};

/// The package's `OpenOptions`, without the options that the package itself handles. Options with other names are
/// ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Options {
    interval_ms: Option<u64>,
    max_retained: Option<u64>,
    max_in_flight: Option<u64>,
    incremental: Option<bool>,
    recovery_read_ratio: Option<f64>,
    max_rebase_bytes: Option<u64>,
    memory_limit_bytes: Option<u64>,
    create: Option<bool>,
    allow_fallback: Option<bool>,
    read_only: Option<bool>,
    checkpoint: Option<u64>,
    store_id: Option<ByteArray<16>>,
    writer: Option<ByteArray<8>>,
}

/// The engine's settings, apart from storage and clock.
pub(in crate::browser) struct Settings {
    pub(in crate::browser) config: CheckpointConfig,
    pub(in crate::browser) create: bool,
    pub(in crate::browser) allow_fallback: bool,
    pub(in crate::browser) is_read_only: bool,
    pub(in crate::browser) checkpoint: Option<u64>,
    pub(in crate::browser) store_id: [u8; 16],
    pub(in crate::browser) writer: u64,
}

impl Settings {
    /// Reads the settings from an object. An option that is missing, undefined or null keeps its default. An option
    /// of another type is an error that names the option.
    pub(in crate::browser) fn read(options: JsValue) -> Result<Self, JsValue> {
        let deserializer = serde_wasm_bindgen::Deserializer::from(options);
        let options: Options = serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let option = error.path().to_string();
            error_with("invalid-input", &format!("option {option}: {}", message_of(error.into_inner())))
        })?;
        Ok(options.into())
    }
}

impl From<Options> for Settings {
    fn from(options: Options) -> Self {
        let length = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        // The package counts the checkpoints that are under way, and lets calls wait. Only 0 is left to core, to refuse.
        let in_flight = if options.max_in_flight == Some(0) { 0 } else { usize::MAX };
        let mut config = CheckpointConfig::new().with_max_in_flight(in_flight);
        if let Some(ms) = options.interval_ms {
            config = config.with_interval(Duration::from_millis(ms));
        }
        if let Some(count) = options.max_retained {
            config = config.with_max_retained(length(count));
        }
        if let Some(incremental) = options.incremental {
            config = config.with_incremental(incremental);
        }
        if let Some(ratio) = options.recovery_read_ratio {
            config = config.with_recovery_read_ratio(ratio);
        }
        config = config.with_max_rebase_bytes(options.max_rebase_bytes);
        config = config.with_memory_limit_bytes(options.memory_limit_bytes);
        Self {
            config,
            create: options.create.unwrap_or(true),
            allow_fallback: options.allow_fallback.unwrap_or(false),
            is_read_only: options.read_only.unwrap_or(false),
            checkpoint: options.checkpoint,
            store_id: options.store_id.map(ByteArray::into_array).unwrap_or_default(),
            writer: options.writer.map(|writer| u64::from_be_bytes(writer.into_array())).unwrap_or_default(),
        }
    }
}
