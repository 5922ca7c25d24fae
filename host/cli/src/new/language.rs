//! The languages of plugins, and what a project in each begins with.

use std::path::Path;

use clap::ValueEnum;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::failure::Failure;

/// A language that plugins can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    Rust,
    #[value(alias = "javascript")]
    Js,
    Python,
    C,
}

/// The files of a project: the path of each, and its text. In both, `NAME` is the name of the plugin, `IDENT` its name in
/// code, and `SDK` where the SDK is.
pub(super) type Files = &'static [(&'static str, &'static str)];

const SAMPLES: &str = include_str!("samples.csv");

const RUST: Files = &[
    ("Cargo.toml", include_str!("rust/Cargo.toml.txt")),
    (".gitignore", include_str!("rust/gitignore.txt")),
    ("README.md", include_str!("rust/README.md.txt")),
    ("samples.csv", SAMPLES),
    ("src/lib.rs", include_str!("rust/lib.rs.txt")),
    ("tests/windows.rs", include_str!("rust/windows.rs.txt")),
];

const JS: Files = &[
    ("package.json", include_str!("js/package.json.txt")),
    (".gitignore", include_str!("js/gitignore.txt")),
    ("README.md", include_str!("js/README.md.txt")),
    ("samples.csv", SAMPLES),
    ("IDENT.js", include_str!("js/operator.js.txt")),
    ("test/windows.test.js", include_str!("js/windows.test.js.txt")),
];

const PYTHON: Files = &[
    ("requirements.txt", include_str!("python/requirements.txt.txt")),
    (".gitignore", include_str!("python/gitignore.txt")),
    ("README.md", include_str!("python/README.md.txt")),
    ("samples.csv", SAMPLES),
    ("IDENT.py", include_str!("python/operator.py.txt")),
    ("test_windows.py", include_str!("python/test_windows.py.txt")),
];

const C: Files = &[
    ("Makefile", include_str!("c/Makefile.txt")),
    (".gitignore", include_str!("c/gitignore.txt")),
    ("README.md", include_str!("c/README.md.txt")),
    ("samples.csv", SAMPLES),
    ("operator.c", include_str!("c/operator.c.txt")),
    ("tests/windows.c", include_str!("c/windows.c.txt")),
];

/// What a path in an address may have unchanged.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Language {
    pub(super) fn files(self) -> Files {
        match self {
            Self::Rust => RUST,
            Self::Js => JS,
            Self::Python => PYTHON,
            Self::C => C,
        }
    }

    /// Words that cannot be names in code: keywords, and modules that a file of this name would hide.
    pub(super) fn taken(self) -> &'static str {
        match self {
            Self::Rust => include_str!("taken/rust.txt"),
            Self::Js => include_str!("taken/js.txt"),
            Self::Python => include_str!("taken/python.txt"),
            Self::C => include_str!("taken/c.txt"),
        }
    }

    /// Says where the SDK is: in a folder like wasm/sdk of a checkout, or in the registry of the language.
    pub(super) fn sdk(self, folder: Option<&Path>) -> Result<String, Failure> {
        let version = env!("CARGO_PKG_VERSION");
        let (inside, file) = match self {
            Self::Rust => (".", "Cargo.toml"),
            Self::Js => ("js", "package.json"),
            Self::Python => ("python", "pyproject.toml"),
            Self::C => ("c", "alluvium_plugin.h"),
        };
        let path = folder.map(|folder| found(folder, inside, file)).transpose()?;
        Ok(match (self, path) {
            (Self::Rust, Some(path)) => format!("{{ path = {} }}", json!(path)),
            (Self::Rust, None) => format!("\"{version}\""),
            (Self::Js, Some(path)) => json!(format!("file:{path}")).to_string(),
            (Self::Js, None) => json!(version).to_string(),
            (Self::Python, Some(path)) => format!("alluvium-plugin @ file://{}", utf8_percent_encode(&path, PATH)),
            (Self::Python, None) => format!("alluvium-plugin=={version}"),
            // As make reads it.
            (Self::C, Some(path)) => path.replace('$', "$$").replace('#', "\\#"),
            (Self::C, None) => {
                return Err(Failure::plain("C has no registry, so the project must know the folder of the SDK")
                    .hint("give it with --sdk, as wasm/sdk of a checkout"));
            }
        })
    }
}

/// Returns the folder of a language's SDK within that of the SDKs.
fn found(folder: &Path, inside: &str, file: &str) -> Result<String, Failure> {
    let path = folder.join(inside).canonicalize().map_err(|error| Failure::file(folder, &error))?;
    if !path.join(file).is_file() {
        let what = format!("is not the folder of the SDKs: it has no {inside}/{file}");
        return Err(Failure::at(folder.display(), what));
    }
    path.into_os_string().into_string().map_err(|_| Failure::at(folder.display(), "is no UTF-8"))
}
