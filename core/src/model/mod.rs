//! What keyed state is made of, without any storage: hashes and the key groups that they choose.

pub mod hash;
