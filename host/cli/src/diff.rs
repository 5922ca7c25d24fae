//! `alluvium diff`: the keys that changed between two checkpoints.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use alluvium_core::IncrementalCheckpointMetadata;
use alluvium_core::directory::block_on;
use alluvium_core::tools::diff::{Difference, KeyChange, diff};
use alluvium_core::tools::inspect::load_metadata;
use alluvium_host::text::printable;
use clap::Args;
use serde::Serializer as _;
use serde::ser::SerializeMap;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::open;
use crate::output::{counted, grouped, print, readable, write_if, write_key, write_value};
use crate::storage::Storage;
use crate::stored;

const EXAMPLE: &str = "\
Example:
  alluvium diff run 26 27

  + AA:JFK-MIA  {\"flights\":1}                     only in checkpoint 27
  ~ B6:JFK-MCO  {\"flights\":7} → {\"flights\":8}     in both, changed
  - UA:EWR-ORD  {\"flights\":3}                     only in checkpoint 26

It reads only what the two checkpoints do not share. Exit code 0, with differences and without.";

/// So much of a value is shown, in characters; `--json` shows all of it.
const VALUE_SHOWN: usize = 60;

/// Show which keys changed from one checkpoint to another
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Diff {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The checkpoint to compare from
    from: u64,
    /// The checkpoint to compare to [default: the newest]
    to: Option<u64>,
    /// Only keys that begin with this text
    #[arg(long, default_value = "")]
    prefix: String,
    /// Print one JSON object for each key: its change ("added", "changed" or "removed"), before and after
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let load = |id| block_on(load_metadata(&directory, id));
        let compare = |to| Ok((block_on(diff(&directory, self.from, to))?, load(self.from)?, load(to)?));
        let (_, (mut difference, from, to)) = open::read(&self.dir, &directory, self.to, compare)?;
        difference.changes.retain(|change| change.key.starts_with(self.prefix.as_bytes()));
        if self.json {
            print(|out| {
                let mut changes = difference.changes.iter();
                changes.try_for_each(|change| write_json(out, &difference, change))
            })?;
            return Ok(Answer::Yes);
        }
        print(|out| {
            write_changes(out, &difference)?;
            let moved = moved(&from, &to);
            writeln!(out, "checkpoint {} → {}{}: {}", from.id, to.id, printable(&moved), summary(&difference))
        })?;
        Ok(Answer::Yes)
    }
}

/// How checkpoint `to` of a directory differs from `from`.
pub(crate) fn between(dir: &Path, directory: &Storage, from: u64, to: u64) -> Result<Difference, Failure> {
    block_on(diff(directory, from, to)).map_err(|error| Failure::core(dir, &error))
}

/// One line for each key: `+` added, `~` changed, `-` removed. The name of its namespace is in front of it. A timer has
/// its time behind `at`, and a value that expires the time behind `until`, in milliseconds of Unix time.
pub(crate) fn write_changes(out: &mut dyn Write, difference: &Difference) -> io::Result<()> {
    for change in &difference.changes {
        let declared = difference.namespaces.get(change.namespace);
        let (at_ms, key) = stored::split_key(declared, &change.key);
        let key = readable(key, usize::MAX);
        let key = at_ms.map_or(key.clone(), |at_ms| format!("{key} at {at_ms}"));
        let key = declared.map_or(key.clone(), |declared| format!("[{}] {key}", printable(&declared.name)));
        let shown = |value: &[u8]| {
            let (expires_ms, value) = stored::split_value(declared, value);
            let value = readable(value, VALUE_SHOWN);
            expires_ms.map_or(value.clone(), |expires_ms| format!("{value} until {expires_ms}"))
        };
        match (&change.before, &change.after) {
            (None, Some(after)) => writeln!(out, "+ {key}  {}", shown(after))?,
            (Some(before), None) => writeln!(out, "- {key}  {}", shown(before))?,
            (Some(before), Some(after)) => writeln!(out, "~ {key}  {} → {}", shown(before), shown(after))?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// How many keys were added, changed and removed, and what it took to find out.
pub(crate) fn summary(difference: &Difference) -> String {
    let mut kinds = BTreeMap::from([("added", 0), ("changed", 0), ("removed", 0)]);
    for change in &difference.changes {
        *kinds.entry(kind(change)).or_default() += 1;
    }
    let counts: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{} {kind}", grouped(count))).collect();
    format!("{} ({} read)", counts.join(", "), counted(difference.bytes_read, "byte"))
}

fn kind(change: &KeyChange) -> &'static str {
    match (&change.before, &change.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    }
}

/// Where the sources moved from and to.
fn moved(from: &IncrementalCheckpointMetadata, to: &IncrementalCheckpointMetadata) -> String {
    let offset = |metadata: &IncrementalCheckpointMetadata, source: &str| {
        metadata.source_offsets.get(source).map_or_else(|| "nothing".to_owned(), |offset| grouped(*offset))
    };
    let moves = to.source_offsets.keys().filter(|source| offset(from, source) != offset(to, source));
    let moves: Vec<String> =
        moves.map(|source| format!(", {source} {} → {}", offset(from, source), offset(to, source))).collect();
    moves.concat()
}

fn write_json(out: &mut dyn Write, difference: &Difference, change: &KeyChange) -> io::Result<()> {
    let declared = difference.namespaces.get(change.namespace);
    let (at_ms, key) = stored::split_key(declared, &change.key);
    let mut serializer = serde_json::Serializer::new(&mut *out);
    let mut object = serializer.serialize_map(None)?;
    object.serialize_entry("change", kind(change))?;
    write_if(&mut object, "namespace", declared.map(|declared| declared.name.as_str()))?;
    write_if(&mut object, "at_ms", at_ms)?;
    write_key(&mut object, "key", key)?;
    for (name, value) in [("before", &change.before), ("after", &change.after)] {
        if let Some(value) = value {
            let (expires_ms, value) = stored::split_value(declared, value);
            write_value(&mut object, name, value)?;
            write_if(&mut object, &format!("{name}_expires_ms"), expires_ms)?;
        }
    }
    SerializeMap::end(object)?;
    out.write_all(b"\n")
}
