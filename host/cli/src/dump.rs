//! `alluvium dump`: the state of a checkpoint, line by line.

use std::io::{self, Write};
use std::path::PathBuf;

use alluvium_core::directory::block_on;
use alluvium_core::format::laminar_snapshot::decode_state_snapshot;
use alluvium_core::model::namespace::Namespace;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::inspect;
use clap::Args;
use serde::Serializer as _;
use serde::ser::SerializeMap;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::open;
use crate::output::{print, write_if, write_key, write_value};
use crate::shown::tell;
use crate::stored;

const EXAMPLE: &str = "\
Example:
  alluvium dump run | head -3

One JSON object a line, in the order of keys: {\"key\":…,\"value\":…}, or {\"key_hex\":…} and {\"value_hex\":…}
for what is not UTF-8 text. A value that is a JSON object or array is shown as that, and any other as text. Entries of a declared namespace come after the others, with its name:
{\"namespace\":…}. \"expires_ms\" says when an entry expires, and \"at_ms\" when a timer
fires.";

/// Print the state of a checkpoint as newline-delimited JSON
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Dump {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The checkpoint [default: the newest]
    #[arg(long)]
    id: Option<u64>,
    /// Accepted for the sake of scripts: the output is always JSON
    #[arg(long)]
    json: bool,
}

impl Dump {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let read = |id| {
            let recovered = block_on(recover(&directory, &RecoverOptions::new().checkpoint(Some(id))))?;
            let is_laminardb = recovered.as_ref().is_some_and(|recovered| recovered.metadata.alluvium.is_none());
            let opaque = if is_laminardb { block_on(inspect::find_state(&directory, id))? } else { None };
            Ok((recovered, opaque))
        };
        let (id, (recovered, opaque)) = open::read(&self.dir, &directory, self.id, read)?;
        let Some(recovered) = recovered else {
            return Err(Failure::at(self.dir.display(), format!("checkpoint {id} does not exist")));
        };
        if recovered.metadata.alluvium.is_none() {
            return self.dump_laminardb(id, opaque);
        }
        print(|out| {
            recovered.state.iter().try_for_each(|(key, value)| write_entry(out, None, key, value))?;
            recovered.namespaces().try_for_each(|(declared, entries)| {
                entries.iter().try_for_each(|(key, value)| write_entry(out, Some(declared), key, value))
            })
        })?;
        Ok(Answer::Yes)
    }

    /// Prints a state that LaminarDB wrote: opaque bytes, which are most often its own snapshot of keyed
    /// state.
    fn dump_laminardb(&self, id: u64, opaque: Option<Vec<u8>>) -> Result<Answer, Failure> {
        let Some(bytes) = opaque else {
            tell(&format!("{}: checkpoint {id} has no state: LaminarDB wrote its metadata alone", self.dir.display()));
            return Ok(Answer::Yes);
        };
        let snapshot = decode_state_snapshot(&bytes).map_err(|error| {
            Failure::at(self.dir.display(), format!("checkpoint {id}: {error}"))
                .hint("its state is the caller's own bytes, in state.bin: they have no keys to print")
        })?;
        let mut entries = snapshot.entries;
        entries.sort_unstable();
        print(|out| entries.iter().try_for_each(|(key, value)| write_entry(out, None, key, value)))?;
        Ok(Answer::Yes)
    }
}

fn write_entry(out: &mut dyn Write, namespace: Option<&Namespace>, key: &[u8], value: &[u8]) -> io::Result<()> {
    let ((at_ms, key), (expires_ms, value)) =
        (stored::split_key(namespace, key), stored::split_value(namespace, value));
    let mut serializer = serde_json::Serializer::new(&mut *out);
    let mut entry = serializer.serialize_map(None)?;
    write_if(&mut entry, "namespace", namespace.map(|declared| declared.name.as_str()))?;
    write_if(&mut entry, "at_ms", at_ms)?;
    write_key(&mut entry, "key", key)?;
    write_value(&mut entry, "value", value)?;
    write_if(&mut entry, "expires_ms", expires_ms)?;
    SerializeMap::end(entry)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_json_or_text_where_they_can_be() {
        let check = |key: &[u8], value: &[u8], expected: &str| {
            let mut line = Vec::new();
            write_entry(&mut line, None, key, value).expect("it writes");
            assert_eq!(String::from_utf8_lossy(&line), format!("{expected}\n"));
        };
        check(b"AA:JFK-MIA", b"{\"flights\":1}", r#"{"key":"AA:JFK-MIA","value":{"flights":1}}"#);
        check(b"\xff\x00", b"", r#"{"key_hex":"ff00","value":""}"#);
        check("é".as_bytes(), b"\n\xfe", r#"{"key":"é","value_hex":"0afe"}"#);
        // Neither a number nor a blank is another one than in the state.
        check(b"[1]", b"[ 1.50, 1E2,{}]", r#"{"key":"[1]","value":[ 1.50, 1E2,{}]}"#);
        // A JSON string is always the text of a value, and an entry is always one line.
        for text in ["7", "null", "\"a\"", "{", "[1] 2", "[1]\n", "{\t}", "[1e999]", r#"["\ud800"]"#] {
            let quoted = serde_json::to_string(text).expect("text");
            check(b"", text.as_bytes(), &format!("{{\"key\":\"\",\"value\":{quoted}}}"));
        }
    }
}
