//! From the engine's types to objects of JavaScript and back. 64-bit numbers that the caller sets, or
//! that name something, are `bigint`; counts and bytes are numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use alluvium_core::tools::verify::VerifyReport;
use alluvium_core::{
    CheckpointConfig, CheckpointStatistics, IncrementalCheckpointError, IncrementalCheckpointMetadata,
    MaintenanceReport, MemoryUsage, RecoverySummary,
};
use js_sys::{Array, JsString, Map, Object, Reflect};
use wasm_bindgen::prelude::*;

/// A plain object; its names are ours, so setting them cannot fail.
pub(super) fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

/// Counts and bytes: exact up to 2⁵³.
#[allow(clippy::cast_precision_loss, reason = "no count of things in memory or storage reaches 2⁵³")]
pub(super) fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

pub(super) fn texts<T: AsRef<str>>(values: &[T]) -> JsValue {
    values.iter().map(|value| JsValue::from_str(value.as_ref())).collect::<Array>().into()
}

/// Paths, in one call for all of them: there may be a hundred. None of ours holds a line's end.
fn paths(values: &[String]) -> JsValue {
    let joined = values.join("\n");
    let array = JsString::from(joined).split("\n");
    // What a stranger wrote may, and nothing at all would be one empty path.
    if array.length() as usize == values.len() && !values.is_empty() { array.into() } else { texts(values) }
}

/// Names are the caller's: a `Map`, since an object would give some of them a meaning.
pub(super) fn map<V: Clone + Into<JsValue>>(values: &BTreeMap<String, V>) -> JsValue {
    let map = Map::new();
    for (name, value) in values {
        map.set(&JsValue::from_str(name), &value.clone().into());
    }
    map.into()
}

fn optional<V: Into<JsValue>>(value: Option<V>) -> JsValue {
    value.map_or(JsValue::NULL, Into::into)
}

/// An `Error` with a `kind`.
pub(super) fn error_with(kind: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    let _ = Reflect::set(&error, &"kind".into(), &kind.into());
    error.into()
}

/// The engine's error: its kind is the name of its reaction.
pub(super) fn error(error: IncrementalCheckpointError) -> JsValue {
    error_with(error.reaction().name(), &error.to_string())
}

pub(super) fn metadata(metadata: &IncrementalCheckpointMetadata) -> JsValue {
    let fields = metadata.alluvium.as_ref();
    let timestamp_ms = fields.map_or(metadata.timestamp.saturating_mul(1_000), |fields| fields.timestamp_ms);
    let count = |get: fn(&alluvium_core::format::metadata::AlluviumFields) -> u64| {
        fields.map_or(JsValue::NULL, |fields| number(get(fields)))
    };
    object(&[
        ("id", metadata.id.into()),
        ("epoch", metadata.epoch.into()),
        ("timestampMs", number(timestamp_ms)),
        ("walPosition", metadata.wal_position.into()),
        ("sourceOffsets", map(&metadata.source_offsets)),
        ("watermark", optional(metadata.watermark)),
        ("sizeBytes", number(metadata.size_bytes)),
        ("keyCount", number(metadata.key_count)),
        ("isIncremental", metadata.is_incremental.into()),
        ("parentId", optional(metadata.parent_id)),
        ("files", paths(&metadata.files())),
        ("isOriginal", fields.is_none().into()),
        ("keysChanged", count(|fields| fields.keys_changed)),
        ("tombstones", count(|fields| fields.tombstones)),
        ("bytesChanged", count(|fields| fields.bytes_changed)),
        ("bytesWritten", count(|fields| fields.bytes_written)),
        ("stateBytes", count(|fields| fields.state_bytes)),
        ("stateDigest", optional(fields.map(|fields| format!("{:016x}", fields.state_digest)))),
        ("hasState", fields.is_none_or(|fields| fields.state_file.is_some()).into()),
        (
            "annotations",
            fields.map_or_else(|| map(&BTreeMap::<String, String>::new()), |fields| map(&fields.annotations)),
        ),
    ])
}

pub(super) fn statistics(statistics: &CheckpointStatistics) -> JsValue {
    object(&[
        ("id", statistics.id.into()),
        ("keysChanged", number(statistics.keys_changed)),
        ("tombstones", number(statistics.tombstones)),
        ("bytesChanged", number(statistics.bytes_changed)),
        ("deltaBytes", number(statistics.delta_bytes)),
        ("rebasedBytes", number(statistics.rebased_bytes)),
        ("bytesWritten", number(statistics.bytes_written)),
        ("freezeUs", number(statistics.freeze_us)),
        ("writeUs", number(statistics.write_us)),
    ])
}

pub(super) fn maintenance(report: &MaintenanceReport) -> JsValue {
    object(&[
        ("deleted", paths(&report.deleted)),
        ("reclaimedBytes", number(report.reclaimed_bytes)),
        ("rebasedBytes", number(report.rebased_bytes)),
        ("errors", texts(&report.errors)),
    ])
}

pub(super) fn recovered(summary: &RecoverySummary) -> JsValue {
    let skipped = |skipped: &alluvium_core::recovery::SkippedCheckpoint| {
        object(&[("id", skipped.id.into()), ("reason", (&skipped.reason).into())])
    };
    object(&[
        ("checkpointId", summary.checkpoint_id.into()),
        ("keyCount", number(summary.key_count)),
        ("bytesRead", number(summary.bytes_read)),
        ("skipped", summary.skipped.iter().map(skipped).collect::<Array>().into()),
        ("isOriginal", summary.is_laminar.into()),
    ])
}

pub(super) fn verified(report: &VerifyReport) -> JsValue {
    let finding = |finding: &alluvium_core::tools::verify::Finding| {
        object(&[
            ("path", (&finding.path).into()),
            ("severity", finding.severity.name().into()),
            ("what", (&finding.what).into()),
        ])
    };
    object(&[
        ("isDamaged", report.is_damaged().into()),
        ("checkpoints", number(report.checkpoints)),
        ("files", number(report.files)),
        ("bytes", number(report.bytes)),
        ("findings", report.findings.iter().map(finding).collect::<Array>().into()),
    ])
}

pub(super) fn memory(usage: &MemoryUsage) -> JsValue {
    object(&[
        ("stateBytes", number(usage.state_bytes)),
        ("logBytes", number(usage.changelog_bytes)),
        ("payloadBytes", number(usage.payload_bytes)),
    ])
}

#[wasm_bindgen]
extern "C" {
    /// A value as JavaScript itself writes it.
    #[wasm_bindgen(js_name = String, catch)]
    fn text_of(value: &JsValue) -> Result<String, JsValue>;
}

/// A member of the options: what is undefined or null is not there, what is of another type is an error.
fn member<T>(options: &JsValue, name: &str, read: impl Fn(&JsValue) -> Option<T>) -> Result<Option<T>, JsValue> {
    let value = Reflect::get(options, &JsValue::from_str(name))?;
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    let wrong = || {
        let given = text_of(&value).unwrap_or_else(|_| "what was given".into());
        error_with("invalid-input", &format!("option {name}: {given} is not what is expected"))
    };
    read(&value).map(Some).ok_or_else(wrong)
}

/// A number that is whole and within 0 to 2⁵³.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
fn whole(value: &JsValue) -> Option<u64> {
    value
        .as_f64()
        .filter(|number| (0.0..9_007_199_254_740_992.0).contains(number) && number.fract() == 0.0)
        .map(|number| number as u64)
}

/// How the engine is opened, apart from storage and clock.
pub(super) struct Settings {
    pub(super) config: CheckpointConfig,
    pub(super) create: bool,
    pub(super) allow_fallback: bool,
    pub(super) checkpoint: Option<u64>,
    pub(super) store_id: [u8; 16],
}

impl Settings {
    /// Reads them from an object; what is not there stays at its default.
    pub(super) fn read(options: &JsValue) -> Result<Self, JsValue> {
        let mut config = CheckpointConfig::new();
        if let Some(ms) = member(options, "intervalMs", whole)? {
            config = config.with_interval(Duration::from_millis(ms));
        }
        if let Some(count) = member(options, "maxRetained", whole)? {
            config = config.with_max_retained(usize::try_from(count).unwrap_or(usize::MAX));
        }
        if let Some(count) = member(options, "maxInFlight", whole)? {
            config = config.with_max_in_flight(usize::try_from(count).unwrap_or(usize::MAX));
        }
        if let Some(incremental) = member(options, "incremental", JsValue::as_bool)? {
            config = config.with_incremental(incremental);
        }
        if let Some(ratio) = member(options, "recoveryReadRatio", JsValue::as_f64)? {
            config = config.with_recovery_read_ratio(ratio);
        }
        config = config.with_max_rebase_bytes(member(options, "maxRebaseBytes", whole)?);
        config = config.with_memory_limit_bytes(member(options, "memoryLimitBytes", whole)?);
        let store_id = |value: &JsValue| value.dyn_ref::<js_sys::Uint8Array>()?.to_vec().try_into().ok();
        Ok(Self {
            config,
            create: member(options, "create", JsValue::as_bool)?.unwrap_or(true),
            allow_fallback: member(options, "allowFallback", JsValue::as_bool)?.unwrap_or(false),
            checkpoint: member(options, "checkpoint", |value| u64::try_from(value.clone()).ok())?,
            store_id: member(options, "storeId", store_id)?.unwrap_or_default(),
        })
    }
}
