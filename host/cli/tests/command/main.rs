//! The `alluvium` command as its users run it: exit codes, messages, and what is on disk afterwards.

#[path = "../../../runtime/tests/by_hand/mod.rs"]
mod by_hand;
mod emissions;
mod errors;
mod flights;
mod inside;
mod inspection;
mod kill;
mod lost;
mod migrate;
mod older_format;
mod plugins;
mod positions;
mod same_bytes;
mod support;
mod transfer;
