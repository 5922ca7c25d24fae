//! The plugin `delays`: how flights were delayed, for each carrier and route.
//!
//! One key of state for each carrier and route, `{carrier}:{origin}-{dest}`; its value is a JSON
//! object with `flights`, `cancelled`, `arr_delay_min` and `worst_arr_delay_min`.
//!
//! The logic is ordinary Rust, tested natively: `flights` reads a batch, [`route`] adds it up. Only
//! `plugin` knows that this is a component, and is there only when it is compiled as one.

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
mod plugin;
pub mod route;
