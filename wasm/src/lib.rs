//! Alluvium in WebAssembly.
//!
//! One crate, one build for each target:
//!
//! - `wasm32-wasip2`: the **engine component**. `component` holds the exports of the world
//!   `alluvium:checkpoint/engine` (see `wit/`) over the manager of `alluvium-core`;
//!   `component::directory` keeps its files in a preopened directory.
//!
//! Natively there is nothing here but what the builds share.

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
pub mod component;
