//! The engine component. It exports the world `alluvium:checkpoint/engine` and runs on WASI 0.2.
//! With the feature `imported-directory` the world is `engine-on-directory`.
//!
//! The exports only translate. [`manager`] and [`state`] convert the arguments, call core, and convert the
//! result back with [`convert`]. The documentation is in `wit/` and in core.

mod clock;
mod convert;
mod cursor;
#[cfg(not(feature = "imported-directory"))]
pub mod directory;
#[cfg(feature = "imported-directory")]
pub mod imported;
mod in_flight;
mod live;
mod manager;
mod namespaces;
mod open_manager;
mod opening;
mod pieces;
mod positions;
mod state;
mod time;

/// The bindings that wit-bindgen generates from `wit/`.
mod bindings {
    #![allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all, clippy::pedantic)]

    #[cfg(not(feature = "imported-directory"))]
    wit_bindgen::generate!({ path: "wit", world: "engine" });
    #[cfg(feature = "imported-directory")]
    wit_bindgen::generate!({ path: "wit", world: "engine-on-directory" });

    use super::Engine;
    export!(Engine);
}

/// Where the files are.
#[cfg(not(feature = "imported-directory"))]
use directory::WasiDirectory as Storage;
#[cfg(feature = "imported-directory")]
use imported::ImportedDirectory as Storage;

/// Implements the exports of the world.
struct Engine;
