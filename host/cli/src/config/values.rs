//! Values of a configuration, as the arguments that they stand for.

use std::ffi::OsString;

use clap::Arg;
use toml::de::{DeTable, DeValue};

use super::secrets::{self, Variable};

/// The values of this option on the command line come beside those of the file. Those of others come instead.
const ADDS_UP: &str = "parameters";

/// An option with its values.
pub(super) struct Setting {
    id: String,
    /// Without one it is given by its place.
    long: Option<String>,
    values: Vec<String>,
    is_flag: bool,
    /// Whether it is given once for each value.
    adds_up: bool,
    is_secret: bool,
}

impl Setting {
    /// Reads the value of an option.
    pub(super) fn read(
        argument: &Arg,
        is_flag: bool,
        value: &DeValue<'_>,
        variable: Variable<'_>,
    ) -> Result<Self, String> {
        let adds_up = matches!(argument.get_action(), clap::ArgAction::Append);
        let delimiter = argument.get_value_delimiter();
        let mut setting = Self {
            id: argument.get_id().to_string(),
            long: argument.get_long().map(str::to_owned),
            values: Vec::new(),
            is_flag,
            adds_up: adds_up && argument.get_id() == ADDS_UP,
            is_secret: false,
        };
        let mut text = |value: &DeValue<'_>| setting.text(value, variable);
        setting.values = match value {
            DeValue::Boolean(true) if is_flag => vec![String::new()],
            DeValue::Boolean(false) if is_flag => Vec::new(),
            _ if is_flag => return Err("it is true or false".to_owned()),
            DeValue::Array(values) if adds_up => {
                let values = values.iter().map(|value| text(value.get_ref())).collect::<Result<Vec<_>, _>>()?;
                delimiter.map_or(values.clone(), |delimiter| vec![values.join(&delimiter.to_string())])
            }
            DeValue::Table(pairs) if adds_up && delimiter.is_none() => self::pairs(pairs, &mut text)?,
            value => vec![text(value)?],
        };
        Ok(setting)
    }

    /// Returns a value as text, with its variables replaced.
    fn text(&mut self, value: &DeValue<'_>, variable: Variable<'_>) -> Result<String, String> {
        match value {
            DeValue::String(text) => {
                let text = secrets::filled(text, variable)?;
                self.is_secret |= text.is_secret;
                Ok(text.text)
            }
            DeValue::Integer(number) => Ok(number.to_string()),
            DeValue::Float(number) => Ok(number.to_string()),
            DeValue::Boolean(is_true) => Ok(is_true.to_string()),
            DeValue::Datetime(_) => Err("write a date in quotation marks".to_owned()),
            DeValue::Array(_) | DeValue::Table(_) => Err("it takes one value".to_owned()),
        }
    }

    /// What clap calls the option.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether a variable of the environment is in it.
    pub(super) fn is_secret(&self) -> bool {
        self.is_secret
    }

    /// Whether the command line adds to it.
    pub(super) fn adds_up(&self) -> bool {
        self.adds_up
    }

    /// Returns the arguments that it stands for.
    pub(super) fn arguments(&self) -> impl Iterator<Item = OsString> {
        self.values.iter().map(|value| match &self.long {
            Some(long) if self.is_flag => format!("--{long}").into(),
            Some(long) => format!("--{long}={value}").into(),
            None => value.into(),
        })
    }
}

/// Names with values, as `NAME=VALUE`.
fn pairs(
    pairs: &DeTable<'_>,
    text: &mut impl FnMut(&DeValue<'_>) -> Result<String, String>,
) -> Result<Vec<String>, String> {
    let pair = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = name.get_ref();
        Ok(format!("{name}={}", text(value.get_ref())?))
    };
    pairs.iter().map(pair).collect()
}
