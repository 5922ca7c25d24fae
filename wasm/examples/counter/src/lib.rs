//! Counts requests by their path: a component that exports `wasi:http/incoming-handler`.
//!
//! Composed with the engine, it runs under `wasmtime serve`. That makes an instance for each request. So each request
//! opens the directory, which recovers the state, and takes a checkpoint before it is answered. If an answer has come,
//! the request is counted, also if the server is killed then. A request without an answer may be counted or not.
//!
//! Requests at the same time are writers at the same time. One of them takes its checkpoint, and the engine tells the
//! others that they are fenced, and they try again. A writer that is fenced has changed nothing, or another one has
//! already built on what it wrote. To tell these apart, the state remembers a random number for each of the last 1,024
//! requests.
//!
//! The answer is the number of requests to this path so far, as one line. `ALLUVIUM_DIRECTORY` in the environment names
//! the directory. Without it, it is the only preopened one, or the default of an imported one.

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
mod handler;
