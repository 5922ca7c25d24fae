//! `alluvium new`: begins a project of a plugin.

mod language;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use self::language::Language;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::output;
use crate::shown::tell;

const EXAMPLE: &str = "\
Example:
  alluvium new sensors && cd sensors
  cargo test
  cargo build --release --target wasm32-wasip2
  alluvium new --lang python sensors";

/// Begin a project of a plugin: windows over records, with a test and an example to run
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct New {
    /// The folder of the project, which must not be there; its last part is the name of the plugin
    path: PathBuf,
    /// The language of the plugin
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Take the package alluvium-plugin of the language from this folder of all SDKs, as a checkout has it in wasm/sdk,
    /// and not from a registry
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
    /// Report the folder as a JSON object
    #[arg(long)]
    json: bool,
}

impl New {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Err(what) = check(name, self.lang.taken()) {
            return Err(Failure::at(self.path.display(), what)
                .hint("name a plugin by lower-case letters, digits, - and _, as sensors"));
        }
        let sdk = self.lang.sdk(self.sdk.as_deref())?;
        let filled =
            |text: &str| text.replace("IDENT", &name.replace('-', "_")).replace("NAME", name).replace("SDK", &sdk);
        fs::create_dir(&self.path).map_err(|error| Failure::file(&self.path, &error))?;
        let mut files = self.lang.files().iter();
        let written = files.try_for_each(|(file, template)| write(&self.path.join(filled(file)), &filled(template)));
        written.inspect_err(|_| {
            // The folder was made here, and half a project would only be in the way of another attempt.
            let _ = fs::remove_dir_all(&self.path);
        })?;
        if self.json {
            output::print(|out| writeln!(out, "{}", json!({ "path": self.path, "plugin": name })))?;
        } else {
            let path = self.path.display();
            tell(&format!("{path}: a plugin with windows, a test and an example; its README.md says what to do next"));
        }
        Ok(Answer::Yes)
    }
}

/// Checks that a package and what it exports can have this name, in a language with these words.
fn check(name: &str, taken: &str) -> Result<(), String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let is_free = || taken.split_whitespace().all(|word| word != name.replace('-', "_"));
    if begins && name.len() <= 64 && name.chars().all(is_part) && is_free() {
        return Ok(());
    }
    Err(format!("a plugin cannot be called {name:?}"))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::at(path.display(), error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn names_are_those_of_packages_and_of_what_they_export() {
        for language in Language::value_variants() {
            for name in ["sensors", "flight-delays", "a1_b"] {
                assert_eq!(check(name, language.taken()), Ok(()), "{name}");
            }
            for name in ["", "1a", "Sensors", "a b", "if", "alluvium-plugin", "é", "-a"] {
                assert!(check(name, language.taken()).is_err(), "{name}");
            }
        }
        for (language, name) in
            [(Language::Rust, "fn"), (Language::Js, "function"), (Language::Python, "json"), (Language::C, "int")]
        {
            assert!(check(name, language.taken()).is_err(), "{name}");
        }
    }
}
