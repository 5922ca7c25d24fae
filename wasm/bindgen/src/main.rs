//! Writes the JavaScript of the engine for browsers: `alluvium-bindgen MODULE FOLDER`.
//!
//! It is the library of the command `wasm-bindgen`, which takes minutes to install. Here it is built with everything
//! else, and has the version that `Cargo.lock` names.

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(module), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        bail!("usage: alluvium-bindgen MODULE FOLDER");
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&module).web(true)?.typescript(true);
    // A page that has lost its engine to a panic begins with a fresh memory, and the package finds the module itself.
    bindgen.remove_producers_section(true).reset_state_function(true).omit_default_module_path(true);
    bindgen.generate(&folder).with_context(|| format!("cannot make JavaScript of {}", module.display()))
}
