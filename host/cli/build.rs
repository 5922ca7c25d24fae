//! Takes the engine component into the command, so that an installed `alluvium` runs from any folder.
//!
//! The component is `ALLUVIUM_ENGINE_COMPONENT`, or `engine/alluvium_wasm.wasm`, where `make components`
//! puts it and the packaged crate has it. Without either, the command is built without an engine and
//! says at run time how to get one: plain cargo must work in a fresh clone.

use std::path::{Path, PathBuf};
use std::{env, fs};

const VARIABLE: &str = "ALLUVIUM_ENGINE_COMPONENT";
const PACKAGED: &str = "engine/alluvium_wasm.wasm";

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-changed=engine");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let component = match env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => Some(PathBuf::from(path)),
        None => Some(PathBuf::from(PACKAGED)).filter(|path| path.is_file()),
    };
    let source = component.map_or_else(|| "None".to_owned(), |path| include(&path, &out));
    fs::write(out.join("engine.rs"), source).expect("OUT_DIR can be written");
}

/// Copies the component beside the generated code and returns the expression that includes it.
fn include(path: &Path, out: &Path) -> String {
    println!("cargo::rerun-if-changed={}", path.display());
    let copied = fs::copy(path, out.join("engine.wasm"));
    copied.unwrap_or_else(|error| panic!("the engine component {}: {error}; see {VARIABLE}", path.display()));
    "Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/engine.wasm\")))".to_owned()
}
