//! The engine component: WASI 0.2 below, the world `alluvium:checkpoint/engine` above.

pub mod directory;
