//! `alluvium new`: begins a project of a plugin.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::output;
use crate::shown::tell;

const EXAMPLE: &str = "\
Example:
  alluvium new sensors && cd sensors
  cargo test
  cargo build --release --target wasm32-wasip2";

/// Begin a project of a plugin: windows over records, with a test and an example to run
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct New {
    /// The folder of the project, which must not be there; its last part is the name of the plugin
    path: PathBuf,
    /// The language of the plugin
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Take the crate alluvium-plugin from this folder, as a checkout has it in wasm/sdk, and not from the registry
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
    /// Report the folder as a JSON object
    #[arg(long)]
    json: bool,
}

/// A language that plugins can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
}

/// The files of a project in Rust. In each, `NAME` is the name, `IDENT` the name in code, and `SDK` where the crate is.
const RUST: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("rust/Cargo.toml.txt")),
    (".gitignore", include_str!("rust/gitignore.txt")),
    ("README.md", include_str!("rust/README.md.txt")),
    ("samples.csv", include_str!("rust/samples.csv")),
    ("src/lib.rs", include_str!("rust/lib.rs.txt")),
    ("tests/windows.rs", include_str!("rust/windows.rs.txt")),
];

impl New {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Err(what) = check(name) {
            return Err(Failure::at(self.path.display(), what)
                .hint("name a plugin by lower-case letters, digits, - and _, as sensors"));
        }
        let Language::Rust = self.lang;
        let sdk = match &self.sdk {
            Some(folder) => format!("{{ path = {} }}", json!(path_of(folder)?)),
            None => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
        };
        fs::create_dir(&self.path).map_err(|error| Failure::file(&self.path, &error))?;
        for (file, template) in RUST {
            let text = template.replace("IDENT", &name.replace('-', "_")).replace("NAME", name).replace("SDK", &sdk);
            write(&self.path.join(file), &text)?;
        }
        if self.json {
            output::print(|out| writeln!(out, "{}", json!({ "path": self.path, "plugin": name })))?;
        } else {
            let path = self.path.display();
            tell(&format!("{path}: a plugin with windows, a test and an example; its README.md says what to do next"));
        }
        Ok(Answer::Yes)
    }
}

/// Checks that a crate and a function can have this name.
fn check(name: &str) -> Result<(), String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && name.len() <= 64 && name.chars().all(is_part) && is_free(name) {
        return Ok(());
    }
    Err(format!("a plugin cannot be called {name:?}"))
}

/// Words that are no names in code.
fn is_free(name: &str) -> bool {
    const TAKEN: &str = "abstract as async await become box break const continue crate do dyn else enum extern false \
        final fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static struct \
        super test trait true try type typeof unsafe unsized use virtual where while yield alluvium_plugin core std";
    TAKEN.split_whitespace().all(|word| word != name.replace('-', "_"))
}

/// Returns the folder of the crate as the project finds it.
fn path_of(folder: &Path) -> Result<String, Failure> {
    let found = folder.canonicalize().map_err(|error| Failure::file(folder, &error))?;
    if !found.join("Cargo.toml").is_file() {
        return Err(Failure::at(folder.display(), "is not the folder of the crate alluvium-plugin"));
    }
    found.into_os_string().into_string().map_err(|_| Failure::at(folder.display(), "is no UTF-8"))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::file(path, &error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates_and_functions() {
        for name in ["sensors", "flight-delays", "a1_b"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in ["", "1a", "Sensors", "a b", "fn", "alluvium-plugin", "é", "-a"] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
