//! `alluvium top`: which prefixes of keys hold the state.

use std::collections::BTreeMap;
use std::path::PathBuf;

use alluvium_core::directory::block_on;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_host::text::printable;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::open;
use crate::output::{Table, grouped, insert_bytes, print, readable};
use crate::stored;

const EXAMPLE: &str = "\
Example:
  alluvium top run --depth 1

Keys are cut after the first separator (one of : / | . and the zero byte), or after the first so many with --depth, or
after so many bytes with --bytes. Timers are cut by their keys, without their times.";

/// Where a key may be cut.
const SEPARATORS: &[u8] = b":/|.\0";

/// Show which prefixes of keys hold most of a checkpoint's bytes
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Top {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The checkpoint [default: the newest]
    #[arg(long)]
    id: Option<u64>,
    /// How many prefixes to show
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Cut keys after this many separators
    #[arg(long, default_value_t = 1)]
    depth: usize,
    /// Cut keys after this many bytes instead
    #[arg(long, conflicts_with = "depth")]
    bytes: Option<usize>,
    /// Print one JSON object: the prefixes shown, what the others come to, and the whole
    #[arg(long)]
    json: bool,
}

/// Keys, and their bytes with those of their values.
#[derive(Clone, Copy, Default)]
struct Share {
    keys: u64,
    bytes: u64,
}

impl Share {
    fn add(&mut self, keys: u64, bytes: u64) {
        self.keys += keys;
        self.bytes += bytes;
    }
}

/// The first bytes of keys, in the namespace with this name, or in the default one.
type Prefix<'k> = (Option<&'k str>, &'k [u8]);

/// The largest prefixes first, and the sum of those that are not shown.
struct Ranking<'k> {
    shown: Vec<(Prefix<'k>, Share)>,
    others: u64,
    rest: Share,
    all: Share,
}

impl Top {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let recover = |id| block_on(recover(&directory, &RecoverOptions::new().checkpoint(Some(id))));
        let (id, recovered) = open::read(&self.dir, &directory, self.id, recover)?;
        let Some(recovered) = recovered.filter(|recovered| recovered.metadata.alluvium.is_some()) else {
            return Err(Failure::at(self.dir.display(), format!("checkpoint {id} was written by LaminarDB"))
                .hint("its state is opaque: it has no keys to count"));
        };
        let mut prefixes: BTreeMap<Prefix<'_>, Share> = BTreeMap::new();
        let of_namespaces = recovered.namespaces().map(|(declared, entries)| (Some(declared), entries));
        for (declared, entries) in std::iter::once((None, &recovered.state)).chain(of_namespaces) {
            let namespace = declared.map(|declared| declared.name.as_str());
            for (key, value) in entries.iter_hash_order() {
                // The time of a timer stands in front of its key, and is no part of what the program calls it.
                let (_, of_program) = stored::split_key(declared, key);
                let share = prefixes.entry((namespace, self.prefix(of_program))).or_default();
                share.add(1, (key.len() + value.len()) as u64);
            }
        }
        let ranking = self.rank(prefixes);
        if self.json {
            print(|out| writeln!(out, "{:#}", ranking.json(id)))?;
        } else {
            print(|out| write!(out, "{}", ranking.table(id)))?;
        }
        Ok(Answer::Yes)
    }

    fn rank<'k>(&self, prefixes: BTreeMap<Prefix<'k>, Share>) -> Ranking<'k> {
        let mut shown: Vec<_> = prefixes.into_iter().collect();
        shown.sort_by_key(|&(prefix, share)| (std::cmp::Reverse(share.bytes), prefix));
        let sum = |part: &[(Prefix<'_>, Share)]| {
            part.iter().fold(Share::default(), |mut sum, (_, share)| {
                sum.add(share.keys, share.bytes);
                sum
            })
        };
        let all = sum(&shown);
        let others = shown.split_off(self.limit.min(shown.len()));
        Ranking { shown, others: others.len() as u64, rest: sum(&others), all }
    }

    fn prefix<'k>(&self, key: &'k [u8]) -> &'k [u8] {
        if let Some(bytes) = self.bytes {
            return &key[..bytes.min(key.len())];
        }
        let separators = key.iter().enumerate().filter(|(_, byte)| SEPARATORS.contains(byte));
        let end = self.depth.checked_sub(1).map_or(Some(0), |at| separators.map(|(at, _)| at + 1).nth(at));
        &key[..end.unwrap_or(key.len())]
    }
}

impl Ranking<'_> {
    fn table(&self, id: u64) -> Table {
        let mut table = Table::new(&["bytes", "share", "keys", "prefix"]);
        let mut row = |of: Share, name: String| {
            let thousandths = u128::from(of.bytes) * 1_000 / u128::from(self.all.bytes.max(1));
            let percent = format!("{}.{} %", thousandths / 10, thousandths % 10);
            table.row(vec![grouped(of.bytes), percent, grouped(of.keys), name]);
        };
        for ((namespace, prefix), share) in &self.shown {
            let prefix = readable(prefix, usize::MAX);
            row(*share, namespace.map_or(prefix.clone(), |name| format!("[{}] {prefix}", printable(name))));
        }
        if self.others > 0 {
            row(self.rest, format!("({} other prefixes)", grouped(self.others)));
        }
        row(self.all, format!("(checkpoint {id})"));
        table
    }

    fn json(&self, id: u64) -> Value {
        let counted = |of: Share| {
            Map::from_iter([("keys".to_owned(), Value::from(of.keys)), ("bytes".to_owned(), Value::from(of.bytes))])
        };
        let shown = self.shown.iter().map(|((namespace, prefix), share)| {
            let mut object = Map::new();
            object.extend(namespace.map(|name| ("namespace".to_owned(), Value::from(name))));
            insert_bytes(&mut object, "prefix", prefix);
            object.extend(counted(*share));
            object
        });
        let mut others = Map::from_iter([("prefixes".to_owned(), Value::from(self.others))]);
        others.extend(counted(self.rest));
        let shown: Vec<_> = shown.collect();
        json!({"id": id, "keys": self.all.keys, "bytes": self.all.bytes, "prefixes": shown, "others": others})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_cut_after_separators_or_bytes() {
        let check = |depth, bytes, expected: &[u8]| {
            let top = Top { dir: PathBuf::new(), id: None, limit: 1, depth, bytes, json: false };
            assert_eq!(top.prefix(b"AA:JFK/1"), expected);
        };
        check(0, None, b"");
        check(1, None, b"AA:");
        check(2, None, b"AA:JFK/");
        check(3, None, b"AA:JFK/1");
        check(1, Some(4), b"AA:J");
        check(1, Some(100), b"AA:JFK/1");
    }
}
