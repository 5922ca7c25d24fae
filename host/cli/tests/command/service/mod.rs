//! A run as a service: its status page, its metrics, its probes, its configuration and its logs.

mod config;
pub(crate) mod listen;
mod logs;
mod strict;
