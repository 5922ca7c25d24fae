//! The engine of the world `engine-on-directory` and the directory over `wasi:keyvalue`, as one component: what it
//! imports, the contract of the directory, and what is recovered after crashes, kills and other writers.

mod contract;
mod crashes;
mod kills;
mod story;
mod support;
mod watched;
mod writers;
