//! `${NAME}` in a configuration stands for a variable of the environment, so that no file holds a secret.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What has a meaning in an address.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns a variable of the environment.
pub(super) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A text with its variables replaced.
pub(super) struct Filled {
    pub(super) text: String,
    /// Whether there was a variable.
    pub(super) is_secret: bool,
}

/// Replaces `${NAME}` by the variable, and `$$` by one dollar sign. In an address the characters of a variable
/// that have a meaning there are written with a percent sign, so that a password may hold any.
pub(super) fn filled(text: &str, variable: Variable<'_>) -> Result<Filled, String> {
    let is_address = text.contains("://");
    let mut filled = Filled { text: String::new(), is_secret: false };
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            filled.text.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (name, after) = after.split_once('}').ok_or("a variable ends with }, as ${PASSWORD}")?;
            let value = variable(name).ok_or_else(|| format!("the environment has no variable {name:?}"))?;
            filled.is_secret = true;
            if is_address {
                filled.text.extend(utf8_percent_encode(&value, RESERVED));
            } else {
                filled.text.push_str(&value);
            }
            rest = after;
        } else {
            filled.text.push('$');
        }
    }
    filled.text.push_str(rest);
    Ok(filled)
}
