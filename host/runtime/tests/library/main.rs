//! The host as a library, as an engine embeds it.

mod asynchronous;
mod attacks;
mod composed;
mod cuts;
mod engines;
mod hostile;
mod in_pieces;
mod interface;
#[cfg(target_os = "linux")]
mod isolated;
mod life;
mod merges;
mod refused;
mod support;
mod telling;
mod timers;
mod work;
