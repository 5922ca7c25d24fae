//! Where the engine component is.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The name that cargo gives it.
const FILE: &str = "alluvium_wasm.wasm";

/// The engine component: as given, from the environment, beside this program, or where cargo builds it.
pub(super) fn find_engine(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    if let Some(path) = std::env::var_os("ALLUVIUM_ENGINE").filter(|path| !path.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    let program = std::env::current_exe().map_err(|error| Failure::at("the path of this program", error))?;
    let here = program.parent().unwrap_or(Path::new("."));
    let candidates = [here.join(FILE), here.join("../wasm32-wasip2/release").join(FILE)];
    if let Some(found) = candidates.iter().find(|path| path.is_file()) {
        return Ok(found.clone());
    }
    let tried: Vec<_> = candidates.iter().map(|path| path.display().to_string()).collect();
    Err(Failure::at("the engine component", format!("not found: neither {}", tried.join(" nor ")))
        .hint("build it with `make`, or name it with --engine FILE or in ALLUVIUM_ENGINE"))
}
