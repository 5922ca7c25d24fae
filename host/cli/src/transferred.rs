//! What an export or import has transferred, for people and for programs.

use std::path::Path;

use alluvium_host::text::printable;
use serde_json::json;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::output::{counted, print};

/// What was transferred, for people and for programs.
pub(crate) struct Transferred {
    pub(crate) id: u64,
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
}

impl Transferred {
    pub(crate) fn tell(&self, is_json: bool, verb: &str, from: &Path, to: &Path) -> Result<Answer, Failure> {
        let Self { id, keys, bytes } = self;
        let (from, to) = (from.display().to_string(), to.display().to_string());
        print(|out| {
            if is_json {
                let value = json!({"id": id, "keys": keys, "bytes": bytes, "from": from, "to": to});
                return writeln!(out, "{value:#}");
            }
            let (keys, bytes) = (counted(*keys, "key"), counted(*bytes, "byte"));
            let line = format!("{verb} {from} to {to}: checkpoint {id}, {keys}, {bytes}");
            writeln!(out, "{}", printable(&line))
        })?;
        Ok(Answer::Yes)
    }
}
