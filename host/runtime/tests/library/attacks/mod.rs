//! Attacks from outside: each ends by the limit that it names.

mod calls;
mod identity;
mod loading;
mod place;
mod results;
mod words;
