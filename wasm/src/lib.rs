//! Builds Alluvium for WebAssembly.
//!
//! The crate has one build for each target:
//!
//! - `wasm32-wasip2`: the **engine component**. `component` implements the exports of the world
//!   `alluvium:checkpoint/engine` (see `wit/`) with the manager of `alluvium-core`.
//!   `component::directory` keeps its files in a preopened directory. With the feature `imported-directory`, the
//!   world is `engine-on-directory`, and `component::imported` keeps them in a directory that is imported.
//! - `wasm32-unknown-unknown`: the **browser build**, for JavaScript. `browser` has the bindings of the
//!   manager and the directory in `IndexedDB`. The npm package in `web/` is built on it.
//!
//! On other targets the crate is empty.

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
pub mod component;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub mod browser;
