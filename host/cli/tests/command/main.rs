//! The `alluvium` command as its users run it: exit codes, messages, and what is on disk afterwards.

mod apart;
mod backup;
mod beside_run;
mod cases;
#[cfg(feature = "cluster")]
mod cluster;
mod deploy;
mod durability;
mod emissions;
mod errors;
#[cfg(target_os = "linux")]
mod few_threads;
mod flights;
mod hostile_names;
mod idle;
mod input_order;
mod inside;
mod inspection;
#[cfg(target_os = "linux")]
mod isolate;
mod kill;
mod lost;
mod migrate;
mod modes;
#[cfg(feature = "object")]
mod object;
mod older_format;
mod plugins;
mod positions;
#[cfg(unix)]
mod profile;
mod running;
mod same_bytes;
mod service;
mod support;
mod transfer;
