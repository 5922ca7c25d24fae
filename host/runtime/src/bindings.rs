//! The two worlds of `wasm/wit`, as Rust: generated when the crate is compiled.
//!
//! This module and `state` use each other: the generated code names the host's own cursor as the type of
//! the resource, and `state` implements the generated traits. wasmtime's `bindgen!` asks for both.

#![allow(missing_docs, reason = "generated; the WIT says what everything means")]
#![allow(unsafe_code, reason = "generated: wasmtime's marker traits for types that cross the border")]
#![allow(clippy::pedantic, unused_qualifications, unreachable_pub, reason = "generated")]

/// The engine component: what it exports.
pub mod engine {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "engine",
        require_store_data_send: true,
        additional_derives: [serde::Serialize, serde::Deserialize],
    });
}

/// Plugins: what they import and export.
pub mod plugin {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "plugin",
        imports: { default: trappable },
        with: {
            "alluvium:checkpoint/types": super::engine::alluvium::checkpoint::types,
            "alluvium:checkpoint/state.cursor": crate::state::Cursor,
        },
        require_store_data_send: true,
        additional_derives: [serde::Serialize, serde::Deserialize],
    });
}

/// The version of the package that both worlds are of.
pub const VERSION: &str = "0.2.0";
