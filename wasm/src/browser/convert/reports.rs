//! Converts the reports of operations to JavaScript.

use alluvium_core::recovery::SkippedCheckpoint;
use alluvium_core::tools::verify::{Finding, VerifyReport};
use alluvium_core::{MaintenanceReport, MemoryUsage, RecoverySummary};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{count, to_js};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Maintained<'a> {
    deleted: &'a [String],
    reclaimed_bytes: f64,
    rebased_bytes: f64,
    errors: &'a [String],
}

/// Converts to the package's `MaintenanceReport`.
pub(in crate::browser) fn maintenance(report: &MaintenanceReport) -> JsValue {
    to_js(&Maintained {
        deleted: &report.deleted,
        reclaimed_bytes: count(report.reclaimed_bytes),
        rebased_bytes: count(report.rebased_bytes),
        errors: &report.errors,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recovered<'a> {
    checkpoint_id: u64,
    key_count: f64,
    bytes_read: f64,
    wal_entries: f64,
    skipped: Vec<Skipped<'a>>,
    is_original: bool,
}

#[derive(Serialize)]
struct Skipped<'a> {
    id: u64,
    reason: &'a str,
}

impl<'a> From<&'a SkippedCheckpoint> for Skipped<'a> {
    fn from(skipped: &'a SkippedCheckpoint) -> Self {
        Self { id: skipped.id, reason: &skipped.reason }
    }
}

/// Converts to the package's `RecoverySummary`, or to null.
pub(in crate::browser) fn recovered(summary: Option<&RecoverySummary>) -> JsValue {
    to_js(&summary.map(|summary| Recovered {
        checkpoint_id: summary.checkpoint_id,
        key_count: count(summary.key_count),
        bytes_read: count(summary.bytes_read),
        wal_entries: count(summary.wal_entries),
        skipped: summary.skipped.iter().map(Skipped::from).collect(),
        is_original: summary.is_laminar,
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified<'a> {
    is_damaged: bool,
    checkpoints: f64,
    files: f64,
    bytes: f64,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    path: &'a str,
    severity: &'a str,
    what: &'a str,
}

impl<'a> From<&'a Finding> for Found<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self { path: &finding.path, severity: finding.severity.name(), what: &finding.what }
    }
}

/// Converts to the package's `VerifyReport`.
pub(in crate::browser) fn verified(report: &VerifyReport) -> JsValue {
    to_js(&Verified {
        is_damaged: report.is_damaged(),
        checkpoints: count(report.checkpoints),
        files: count(report.files),
        bytes: count(report.bytes),
        findings: report.findings.iter().map(Found::from).collect(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the package documents these names")]
struct Memory {
    state_bytes: f64,
    log_bytes: f64,
    payload_bytes: f64,
}

/// Converts to the package's `MemoryUsage`.
pub(in crate::browser) fn memory(usage: &MemoryUsage) -> JsValue {
    to_js(&Memory {
        state_bytes: count(usage.state_bytes),
        log_bytes: count(usage.changelog_bytes),
        payload_bytes: count(usage.payload_bytes),
    })
}
