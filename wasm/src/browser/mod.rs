//! The build for browsers (and for JavaScript elsewhere): `wasm32-unknown-unknown` with wasm-bindgen.
//!
//! Directories on one side ([`indexed_db`], [`js_directory`], memory), thin bindings of the manager
//! on the other ([`engine`], [`walk`]). What people call is the npm package above it.

// Lengths in the browser are below 2⁵³, and so exact as f64.
#![allow(clippy::cast_precision_loss)]
// wasm-bindgen takes what crosses the border by value.
#![allow(clippy::needless_pass_by_value)]

mod clock;
mod convert;
pub mod engine;
mod failure;
pub mod indexed_db;
pub mod js_directory;
mod packed;
pub mod panics;
#[cfg(feature = "testing")]
pub mod testing;
pub mod walk;
