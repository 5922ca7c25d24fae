//! The host as a library, as an engine embeds it.

mod asynchronous;
#[path = "../by_hand/mod.rs"]
mod by_hand;
mod composed;
mod engines;
mod hostile;
mod interface;
mod life;
mod refused;
mod support;
mod telling;
