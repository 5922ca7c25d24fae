//! The build for browsers and other JavaScript runtimes: `wasm32-unknown-unknown` with wasm-bindgen.
//!
//! It consists of directories ([`indexed_db`], [`js_directory`], memory) and thin bindings of the manager
//! ([`engine`], [`walk`]). Applications call the npm package, which is built on them.

// Lengths in the browser are below 2⁵³, so they are exact as f64.
#![allow(clippy::cast_precision_loss)]
// wasm-bindgen passes arguments from JavaScript by value.
#![allow(clippy::needless_pass_by_value)]

pub mod area;
mod clock;
mod convert;
pub mod engine;
mod failure;
pub mod indexed_db;
pub mod js_directory;
mod packed;
pub mod panics;
mod read_only;
#[cfg(feature = "testing")]
pub mod testing;
pub mod walk;
