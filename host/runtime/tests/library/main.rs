//! The host as a library, as an engine embeds it.

mod asynchronous;
mod composed;
mod hostile;
mod life;
mod support;
mod telling;
