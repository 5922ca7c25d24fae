//! The engine component by itself, through its WIT alone, under wasmtime: what the interfaces promise,
//! what the component imports, and the order in which it syncs and names files.

mod crashes;
mod errors;
mod interfaces;
mod positions;
mod recorded;
mod same_bytes;
mod storage;
mod support;
