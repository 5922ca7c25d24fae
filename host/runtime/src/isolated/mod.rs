//! Plugins in worker processes: a second wall behind the one that WebAssembly is.
//!
//! A host starts one process for each plugin, and hands it the plugin's directory and the code of engine and plugin as
//! open descriptors. The process locks itself in ([`wall`](self::wall)) before it looks at any of them. Then the two
//! speak over a socket ([`message`](self::message), [`frame`](self::frame)). On the host's side stand an
//! [`Engine`](crate::Engine) and an [`Operator`](crate::operator::Operator) that ask the worker
//! ([`engine`](self::engine), [`operator`](self::operator)), and everything above them is as it is without a worker. On
//! the other side the same two do the work ([`serve`](self::serve)).
//!
//! The host believes nothing that a worker says: a fault in the sandbox of WebAssembly makes it anybody's. Messages have
//! a length and a time, lists have a [budget](self::budget) of memory, counts are counted again, and texts are cut. A
//! worker that does not keep to that is killed.

mod answers;
mod budget;
mod clock;
pub(crate) mod code;
mod death;
mod engine;
mod failure;
mod frame;
mod message;
mod operator;
pub(crate) mod process;
mod records;
pub(crate) mod serve;
mod start;
mod starter;
#[cfg(test)]
mod tests;
mod values;
mod wall;
mod worker;

pub(crate) use self::start::Isolation;
pub use self::wall::Wall;
