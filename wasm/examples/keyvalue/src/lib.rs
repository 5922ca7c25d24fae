//! A directory over `wasi:keyvalue`: a component that exports `alluvium:checkpoint/directory`.
//!
//! Composed with the engine of the world `engine-on-directory`, it makes an engine that keeps its checkpoints in a
//! key-value store.
//!
//! # Names
//!
//! The directory `BUCKET/PREFIX` has the keys of that bucket that begin with `PREFIX/`. Without a prefix it is
//! `alluvium`. Without a name, the bucket is the one with the empty name.
//!
//! # What is stored
//!
//! | key below the prefix | value |
//! |---|---|
//! | `count` | how often a batch has begun or ended |
//! | `file/PATH/COUNT-BYTES` | says that the file exists; it has so many bytes |
//! | `part/PATH/COUNT-NUMBER` | 256 KiB of the file, or what is left at its end |
//! | `probe/number` | how often the store was tried out, which happens when a directory without files is opened |
//!
//! A file exists as soon as its `file` key does, and that is set last. Everything that a listing says is in the keys,
//! so no value is read for it.
//!
//! # Two writers
//!
//! `wasi:keyvalue@0.2.0-draft` has no exclusive creation and no compare-and-swap, but `increment` cannot be divided. A
//! batch increments `count` before it looks which names are taken, and again after it has set its keys. The first
//! number is in the keys, so no writer overwrites what another has set.
//!
//! If the second number is the first plus one, no other batch has begun or ended in between. So each earlier batch was
//! seen, and each later one will see this one. Otherwise the batch looks once more. If another batch has created one of
//! its names, it gives its own file up, and the name counts as taken. Of two batches with a name in common, at most one
//! is told that it has created it. The engine's own protocol for two writers needs no more than this.
//!
//! # What it cannot promise
//!
//! The interface does not say that a value survives a crash, nor that another client sees it at once. A store may keep
//! both. If you know that yours does, add `?trusted` to the name. Otherwise the directory reports both as weaker
//! promises, and a strict engine refuses to open it. The interface has no error for a full store either: it arrives as
//! `io`.

pub mod keys;

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
mod component;
