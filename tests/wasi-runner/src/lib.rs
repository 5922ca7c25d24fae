//! What hosts of the tests offer to components: directories of core's as the interface `directory`, and stores as
//! `wasi:keyvalue`.

pub mod directory;
pub mod keyvalue;
