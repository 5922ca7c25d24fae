//! Alluvium in WebAssembly.
//!
//! One crate, one build for each target:
//!
//! - `wasm32-wasip2`: the **engine component**. `component` holds the exports of the world
//!   `alluvium:checkpoint/engine` (see `wit/`) over the manager of `alluvium-core`;
//!   `component::directory` keeps its files in a preopened directory.
//! - `wasm32-unknown-unknown`: the **browser's build**, for JavaScript. `browser` holds the bindings of
//!   the manager and the directory in `IndexedDB`; the npm package in `web/` is built on it.
//!
//! Natively there is nothing here but what the builds share.

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
pub mod component;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub mod browser;
