//! The host as a library, as an engine embeds it.

mod asynchronous;
mod composed;
mod hostile;
mod life;
mod refused;
mod support;
mod telling;
