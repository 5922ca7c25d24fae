//! The `alluvium` command as its users run it: exit codes, messages, and what is on disk afterwards.

mod emissions;
mod errors;
mod flights;
mod hostile_names;
mod inside;
mod inspection;
mod kill;
mod lost;
mod migrate;
mod modes;
mod older_format;
mod plugins;
mod positions;
mod same_bytes;
mod support;
mod transfer;
