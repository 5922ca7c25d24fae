//! Where the engine component comes from.

use std::path::{Path, PathBuf};

use alluvium_host::{Host, HostOptions, RuntimeError};

use crate::failure::Failure;

/// The engine component that was built into this command; see `build.rs`.
static INSIDE: Option<&[u8]> = include!(concat!(env!("OUT_DIR"), "/engine.rs"));

/// The engine component that a run uses.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EngineComponent {
    /// A file that was named.
    File(PathBuf),
    /// The one inside this command.
    Inside(&'static [u8]),
    /// None: core in this process keeps the state.
    Native,
}

/// What `--engine` calls the engine in this process, and the component inside this command.
const NATIVE: &str = "native";
const COMPONENT: &str = "component";

impl EngineComponent {
    /// Finds the component: the file given, or the one in `ALLUVIUM_ENGINE`, or the one inside.
    pub(super) fn find(given: Option<&Path>) -> Result<Self, Failure> {
        let variable = std::env::var_os("ALLUVIUM_ENGINE").filter(|path| !path.is_empty()).map(PathBuf::from);
        Self::choose(given, variable, INSIDE)
    }

    fn choose(given: Option<&Path>, variable: Option<PathBuf>, inside: Option<&'static [u8]>) -> Result<Self, Failure> {
        match given.and_then(Path::to_str) {
            Some(NATIVE) => return Ok(Self::Native),
            Some(COMPONENT) => return Self::choose(None, None, inside),
            _ => {}
        }
        let named = given.map(Path::to_owned).or(variable).map(Self::File);
        named.or(inside.map(Self::Inside)).ok_or_else(|| {
            Failure::at("the engine component", "this command was built without one").hint(
                "build the command with `make run`, or build the component with `make components` and name it \
                 with --engine target/wasm32-wasip2/release/alluvium_wasm.wasm or in ALLUVIUM_ENGINE",
            )
        })
    }

    /// Compiles the component and returns the host over it.
    pub(super) fn host(&self, options: HostOptions) -> Result<Host, RuntimeError> {
        match self {
            Self::File(path) => Host::new(path, options),
            Self::Inside(component) => Host::with_engine(component, options),
            Self::Native => Host::native(options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_comes_before_the_component_inside() {
        let check = |given: Option<&str>, variable: Option<&str>, inside, expected: EngineComponent| {
            let found = EngineComponent::choose(given.map(Path::new), variable.map(PathBuf::from), inside);
            assert_eq!(found.expect("there is one"), expected);
        };
        let (file, inside) = (|name| EngineComponent::File(PathBuf::from(name)), Some(&b"inside"[..]));
        check(Some("given"), Some("variable"), inside, file("given"));
        check(None, Some("variable"), inside, file("variable"));
        check(None, None, inside, EngineComponent::Inside(b"inside"));
        check(Some("component"), Some("variable"), inside, EngineComponent::Inside(b"inside"));
        check(Some("native"), Some("variable"), None, EngineComponent::Native);
        check(Some("./native"), None, None, file("./native"));
    }

    #[test]
    fn without_any_the_error_says_how_to_get_one() {
        let failure = format!("{:?}", EngineComponent::choose(None, None, None).expect_err("there is none"));
        for expected in ["make run", "make components", "--engine", "ALLUVIUM_ENGINE"] {
            assert!(failure.contains(expected), "{failure}");
        }
    }
}
