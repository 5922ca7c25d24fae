//! The plugin `delays`. It adds up flight delays for each carrier and route.
//!
//! The state has one key for each carrier and route, `{carrier}:{origin}-{dest}`. Its value is a JSON
//! object with `flights`, `cancelled`, `arr_delay_min` and `worst_arr_delay_min`.
//!
//! The logic is ordinary Rust and is tested natively: `flights` reads a batch, and [`route`] adds it up.
//! Only `plugin` depends on the component interfaces, and it is compiled only for a component.

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
mod plugin;
pub mod route;
