//! Functions for the tests in real browsers. They are not part of the package.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use alluvium_core::directory::testing::conformance::{self, Handles};
use alluvium_core::directory::{AnyDirectory, Directory, MemoryDirectory};
use js_sys::Function;
use serde::Serialize;
use serde_bytes::ByteBuf;
use wasm_bindgen::prelude::*;

use super::convert::to_js;
use super::indexed_db::IndexedDbDirectory;
use super::js_directory::JsDirectory;

/// The results of the directory conformance suite.
#[derive(Serialize)]
struct Report {
    expected: f64,
    passed: Vec<&'static str>,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    check: &'static str,
    what: String,
}

/// Runs the directory conformance suite on `"indexeddb"`, on `"memory"`, or on the directories that `open`
/// returns for a name. `prefix` separates the storages of one run from all others.
#[wasm_bindgen(js_name = runConformance)]
pub async fn run_conformance(storage: String, prefix: String, open: Option<Function>) -> Result<JsValue, JsValue> {
    let memories: RefCell<BTreeMap<String, Rc<MemoryDirectory>>> = RefCell::default();
    let report = conformance::run(Handles::Many, async |name: &str| {
        let name = format!("{prefix}{name}");
        match (storage.as_str(), &open) {
            ("indexeddb", _) => AnyDirectory::new(IndexedDbDirectory::open(&name).await.expect("opens")),
            ("memory", _) => AnyDirectory::shared(Rc::clone(memories.borrow_mut().entry(name).or_default())),
            (_, Some(open)) => {
                let made = open.call1(&JsValue::NULL, &name.into()).expect("a directory");
                let made = wasm_bindgen_futures::JsFuture::from(js_sys::Promise::resolve(&made)).await;
                AnyDirectory::new(made.expect("a directory").unchecked_into::<JsDirectory>())
            }
            _ => panic!("unknown storage {storage}"),
        }
    })
    .await;
    let expected = conformance::CHECKS.len() + conformance::SHARED_CHECKS.len();
    let failed = report.failed.into_iter().map(|(check, what)| Failed { check, what });
    Ok(to_js(&Report { expected: expected as f64, passed: report.passed, failed: failed.collect() }))
}

/// Returns the files of a database as pairs of path and content. It reads them as the engine does.
#[wasm_bindgen(js_name = readDatabase)]
pub async fn read_database(name: String) -> Result<JsValue, JsValue> {
    let failed = |error: alluvium_core::directory::DirectoryError| JsValue::from(error.to_string());
    let directory = IndexedDbDirectory::open(&name).await.map_err(failed)?;
    let mut files = Vec::new();
    for entry in directory.list().await.map_err(failed)? {
        let content = directory.read(&entry.path).await.map_err(failed)?;
        files.push((entry.path, ByteBuf::from(content)));
    }
    Ok(to_js(&files))
}

/// Writes files into a database in the same way as the engine does.
#[wasm_bindgen(js_name = writeDatabase)]
pub async fn write_database(
    name: String,
    paths: Vec<String>,
    contents: Vec<js_sys::Uint8Array>,
) -> Result<(), JsValue> {
    let failed = |error: alluvium_core::directory::DirectoryError| JsValue::from(error.to_string());
    let directory = IndexedDbDirectory::open(&name).await.map_err(failed)?;
    let file = |(path, content): (String, js_sys::Uint8Array)| alluvium_core::directory::NewFile {
        path,
        content: content.to_vec(),
    };
    directory.create(paths.into_iter().zip(contents).map(file).collect()).await.map_err(failed)
}

/// Traps without a panic inside an asynchronous operation, as running out of memory does.
#[wasm_bindgen(js_name = trapLater)]
pub async fn trap_later() {
    let turn = js_sys::Promise::resolve(&JsValue::NULL);
    let _ = wasm_bindgen_futures::JsFuture::from(turn).await;
    std::arch::wasm32::unreachable();
}

/// Panics, either at once or inside an asynchronous operation.
#[wasm_bindgen(js_name = panicNow)]
pub async fn panic_now(after_a_turn: bool) {
    if after_a_turn {
        let turn = js_sys::Promise::resolve(&JsValue::NULL);
        let _ = wasm_bindgen_futures::JsFuture::from(turn).await;
    }
    panic!("a panic on purpose");
}
