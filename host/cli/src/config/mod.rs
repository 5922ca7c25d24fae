//! `alluvium run --config FILE`: arguments in a file of TOML. Each option has a key of its name, and what the
//! command line says comes before what the file says.

mod secrets;
mod values;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory};
use toml::de::DeTable;

use self::values::Setting;
use crate::Arguments;
use crate::failure::Failure;

/// Replaces `--config FILE` of `alluvium run` by the arguments that the file stands for. Other arguments are
/// returned as they are.
pub(crate) fn expand(given: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let is_run = given.get(1).is_some_and(|command| command == "run");
    let Some(path) = is_run.then(|| named(&given)).flatten() else { return Ok(given) };
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::file(Path::new(&path), &error))?;
    let settings = settings(Path::new(&path), &text, &|name| std::env::var(name).ok())?;
    let matches = given_alone(&given);
    let mut expanded: Vec<OsString> = given[..2].to_vec();
    let adds = |setting: &&Setting| setting.adds_up() || !is_given(matches.as_ref(), setting.id());
    expanded.extend(settings.iter().filter(adds).flat_map(Setting::arguments));
    expanded.extend_from_slice(&given[2..]);
    Ok(expanded)
}

/// The file that the arguments name.
fn named(given: &[OsString]) -> Option<OsString> {
    let mut rest = given.iter().skip(2).take_while(|argument| *argument != "--");
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return rest.next().cloned();
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    None
}

/// `alluvium run` without anything that must be given.
fn command() -> clap::Command {
    let whole = Arguments::command();
    let run = whole.find_subcommand("run").cloned().unwrap_or_default();
    run.mut_args(|argument| argument.required(false))
}

/// What the command line says by itself. If it cannot be read, the whole is refused later.
fn given_alone(given: &[OsString]) -> Option<ArgMatches> {
    command().try_get_matches_from(std::iter::once(OsStr::new("run")).chain(given[2..].iter().map(AsRef::as_ref))).ok()
}

fn is_given(matches: Option<&ArgMatches>, id: &str) -> bool {
    matches.is_some_and(|matches| matches.value_source(id) == Some(ValueSource::CommandLine))
}

/// Reads the settings of a file. `variable` returns a variable of the environment.
fn settings(path: &Path, text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Setting>, Failure> {
    let line_at = |byte: usize| text.get(..byte).unwrap_or_default().matches('\n').count() + 1;
    let place = |byte: usize| format!("{}: line {}", path.display(), line_at(byte));
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or_else(|| path.display().to_string(), |span| place(span.start));
        Failure::at(at, error.message()).hint("the file is TOML, as checkpoint-every = 1000")
    })?;
    let command = command();
    let mut settings = Vec::new();
    for (key, value) in table.into_inner() {
        let name = key.get_ref().as_ref();
        let place = format!("{}: {name}", place(key.span().start));
        let argument = command.get_arguments().find(|argument| key_of(argument) == Some(name));
        let Some(argument) = argument.filter(|_| !matches!(name, "config" | "help" | "version")) else {
            return Err(Failure::at(place, "alluvium run has no such option")
                .hint("each key is an option of `alluvium run --help` without its dashes, or plugin"));
        };
        let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
        let setting = Setting::read(argument, is_flag, value.get_ref(), variable);
        let setting = setting.map_err(|what| Failure::at(&place, what))?;
        check(&command, &setting).map_err(|what| Failure::at(&place, what))?;
        settings.push(setting);
    }
    Ok(settings)
}

/// What a file calls an argument.
fn key_of(argument: &clap::Arg) -> Option<&str> {
    argument.get_long().or_else(|| argument.is_positional().then(|| argument.get_id().as_str()))
}

/// Checks that the option takes such a value. A value with a secret in it is not shown.
fn check(command: &clap::Command, setting: &Setting) -> Result<(), String> {
    use clap::error::ErrorKind as Kind;
    let arguments = std::iter::once(OsString::from("run")).chain(setting.arguments());
    match command.clone().try_get_matches_from(arguments) {
        // What belongs together is checked when all is there.
        Err(error) if !matches!(error.kind(), Kind::MissingRequiredArgument | Kind::ArgumentConflict) => {
            if setting.is_secret() {
                return Err("the option takes no such value".to_owned());
            }
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            Err(first.strip_prefix("error: ").unwrap_or(first).to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<OsString>, Failure> {
        let variable = |name: &str| (name == "TOKEN").then(|| "s3cret@".to_owned());
        let settings = settings(Path::new("run.toml"), text, &variable)?;
        Ok(settings.iter().flat_map(Setting::arguments).collect())
    }

    #[test]
    fn every_form_of_a_value_is_an_argument() {
        let text = "plugin = \"a.wasm\"\ncheckpoint-every = 7\nfollow = true\nisolate = false\ncolumns = [\"a\", \"b\"]\n\
                    time-column = \"\"\nsync-every = \"9\"\n[parameter]\nlate = 30\nname = \"x=y\"\n\
                    [input]\nflights = \"f.csv\"\n";
        let mut arguments = read(text).expect("it is right");
        arguments.sort();
        let expected = [
            "--checkpoint-every=7",
            "--columns=a,b",
            "--follow",
            "--input=flights=f.csv",
            "--parameter=late=30",
            "--parameter=name=x=y",
            "--sync-every=9",
            "--time-column=",
            "a.wasm",
        ];
        assert_eq!(arguments, expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, words) in [
            ("dir = \"d\"\nchekpoint-every = 7\n", ["line 2: chekpoint-every", "no such option"]),
            ("dir = \"d\"\ncheckpoint-every = \"often\"\n", ["line 2: checkpoint-every", "often"]),
            ("checkpoint-every = 0\n", ["line 1: checkpoint-every", "0"]),
            ("checkpoint-every = 1.5\n", ["line 1: checkpoint-every", "1.5"]),
            ("follow = 1\n", ["line 1: follow", "true or false"]),
            ("dir = [\"a\"]\n", ["line 1: dir", "one value"]),
            ("dir = { a = 1 }\n", ["line 1: dir", "one value"]),
            ("input = 2013-01-01\n", ["line 1: input", "quotation marks"]),
            ("input = \"a\n", ["line 1", "string"]),
            ("dir = \"a\"\ndir = \"b\"\n", ["line 2", "duplicate"]),
            ("config = \"other.toml\"\n", ["line 1: config", "no such option"]),
            ("input = \"nats://${NONE}@h/S\"\n", ["line 1: input", "NONE"]),
            ("input = \"nats://${@h/S\"\n", ["line 1: input", "}"]),
        ] {
            let error = read(text).expect_err(text).to_string();
            for word in words {
                assert!(error.contains(word), "{word:?} is missing in {error:?} of {text:?}");
            }
        }
    }

    #[test]
    fn secrets_come_from_the_environment_and_stay_out_of_errors() {
        assert_eq!(read("input = \"nats://u:${TOKEN}@h/S\"\n").expect("right"), ["--input=nats://u:s3cret%40@h/S"]);
        assert_eq!(read("dir = \"${TOKEN}/$HOME/$$\"\n").expect("right"), ["--dir=s3cret@/$HOME/$"]);
        let error = read("checkpoint-every = \"${TOKEN}\"\n").expect_err("no number").to_string();
        assert!(error.contains("line 1: checkpoint-every") && !error.contains("s3cret"), "{error}");
    }
}
