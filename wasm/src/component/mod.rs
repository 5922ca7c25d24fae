//! The engine component. It exports the world `alluvium:checkpoint/engine` and runs on WASI 0.2.
//!
//! The exports only translate. [`manager`] and [`state`] convert the arguments, call core, and convert the
//! result back with [`convert`]. The documentation is in `wit/` and in core.

mod clock;
mod convert;
mod cursor;
pub mod directory;
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

    wit_bindgen::generate!({ path: "wit", world: "engine" });

    use super::Engine;
    export!(Engine);
}

/// Implements the exports of the world.
struct Engine;
