//! Attacks from outside: each ends by the limit that it names.

mod calls;
mod identity;
mod kit;
mod loading;
mod long_calls;
mod place;
#[cfg(target_os = "linux")]
mod resources;
mod results;
mod words;
