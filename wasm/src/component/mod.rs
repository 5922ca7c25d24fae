//! The engine component: WASI 0.2 below, the world `alluvium:checkpoint/engine` above.
//!
//! The exports only translate: [`manager`] and [`state`] convert, call core, and convert back, by way
//! of [`convert`]. What there is to know is in `wit/`, and in core.

mod clock;
mod convert;
mod cursor;
pub mod directory;
mod manager;
mod state;

/// What wit-bindgen makes of `wit/`.
mod bindings {
    #![allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all, clippy::pedantic)]

    wit_bindgen::generate!({ path: "wit", world: "engine" });

    use super::Engine;
    export!(Engine);
}

/// Carries the exports of the world.
struct Engine;
