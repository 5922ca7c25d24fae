//! The arguments of `alluvium run` that say how the input is read.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use alluvium_connectors::source::{Csv, Format};
use clap::{Args, ValueEnum};

use super::event_time::TimeFormat;

/// How the input is read.
#[derive(Args, Clone)]
pub(super) struct InputOptions {
    /// How the records stand in the input [default: csv in files, ndjson elsewhere, and lines for a plugin
    /// that takes bytes]
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<InputFormat>,
    /// The character between two fields of CSV; \t is the tabulator
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = character)]
    pub(super) delimiter: u8,
    /// The character around fields of CSV
    #[arg(long, value_name = "CHARACTER", default_value = "\"", value_parser = character)]
    pub(super) quote: u8,
    /// The encoding of the input by its name on the web, as latin1 or utf-16le
    #[arg(long, value_name = "NAME", default_value = "utf-8")]
    pub(super) encoding: String,
    /// The columns of NDJSON, separated by commas; other names are left out [default: all names, as they come]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) columns: Option<Vec<String>>,
    /// The most bytes of a record
    #[arg(long, value_name = "BYTES", default_value = "16777216")]
    pub(super) max_record_bytes: NonZeroUsize,
    /// Wait for more at the end of a file, and read on in the next one when it is rotated
    #[arg(long)]
    pub(super) follow: bool,
    /// Checkpoint a last record without a line end as well: nothing will be added to it
    #[arg(long = "final", conflicts_with = "follow")]
    pub(super) is_final: bool,
    /// What to do with a record that cannot be read or that the plugin refuses: stop, skip, or
    /// dead-letter=FILE
    #[arg(long, value_name = "WHAT", default_value = "stop", value_parser = on_error)]
    pub(super) on_error: OnError,
    /// How event times are written
    #[arg(long, value_name = "FORMAT", default_value = "rfc3339")]
    pub(super) time_format: TimeFormat,
}

/// How records stand in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
    /// Fields with separators; the first record names the columns
    Csv,
    /// One JSON object a line
    Ndjson,
    /// Lines as they are
    Lines,
}

/// How to continue with an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Resume {
    /// It begins with the records that the last run has read: pass over them
    Skip,
    /// It begins with records that are new
    Continue,
    /// If it is another file than before, read it from its beginning
    Next,
}

/// What to do with a bad record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OnError {
    /// End with an error.
    Stop,
    /// Leave it out.
    Skip,
    /// Leave it out, and write it to this file.
    DeadLetter(PathBuf),
}

impl InputOptions {
    /// How records stand in the text of a file.
    pub(super) fn text_format(&self, takes_columns: bool) -> Format {
        match self.format(takes_columns) {
            InputFormat::Csv => Format::Csv(Csv { delimiter: self.delimiter, quote: self.quote }),
            InputFormat::Ndjson | InputFormat::Lines => Format::Lines,
        }
    }

    /// Whether records are JSON that becomes columns.
    /// Only the text of files can be CSV.
    pub(super) fn decodes_json(&self, takes_columns: bool, is_file: bool) -> bool {
        let format = if is_file { self.format(takes_columns) } else { self.format.unwrap_or(InputFormat::Ndjson) };
        takes_columns && format == InputFormat::Ndjson
    }

    fn format(&self, takes_columns: bool) -> InputFormat {
        self.format.unwrap_or(if takes_columns { InputFormat::Csv } else { InputFormat::Lines })
    }
}

/// Reads one character of ASCII.
fn character(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [b'\n' | b'\r'] => Err("a line end is none".to_owned()),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err("write one character of ASCII".to_owned()),
    }
}

/// Reads `stop`, `skip` or `dead-letter=FILE`.
fn on_error(text: &str) -> Result<OnError, String> {
    match text.split_once('=') {
        None if text == "stop" => Ok(OnError::Stop),
        None if text == "skip" => Ok(OnError::Skip),
        Some(("dead-letter", path)) if !path.is_empty() => Ok(OnError::DeadLetter(path.into())),
        _ => Err("write stop, skip, or dead-letter=FILE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_and_policies_are_read() {
        assert_eq!([";", "\\t", "'"].map(|text| character(text).expect("a character")), [b';', b'\t', b'\'']);
        for text in ["", "ab", "\n", "\u{e9}"] {
            assert!(character(text).is_err(), "{text:?}");
        }
        assert_eq!(on_error("skip"), Ok(OnError::Skip));
        assert_eq!(on_error("dead-letter=a=b"), Ok(OnError::DeadLetter("a=b".into())));
        for text in ["", "dead-letter", "dead-letter=", "stop=1", "ignore"] {
            assert!(on_error(text).is_err(), "{text:?}");
        }
    }
}
