//! `alluvium top`: which prefixes of keys hold the state.

use std::collections::BTreeMap;
use std::path::PathBuf;

use alluvium_core::directory::block_on;
use alluvium_core::recover::{RecoverOptions, recover};
use clap::Args;

use super::Answer;
use super::failure::Failure;
use super::open;
use super::output::{Table, grouped, print, readable};

const EXAMPLE: &str = "\
Example:
  alluvium top run --depth 1

Keys are cut after the first separator (one of : / | . and the zero byte), or after the first so many with --depth, or
after so many bytes with --bytes.";

/// Where a key may be cut.
const SEPARATORS: &[u8] = b":/|.\0";

/// Show which prefixes of keys hold most of a checkpoint's bytes
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Top {
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
}

impl Top {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let id = open::choose(&self.dir, &directory, self.id)?;
        let recovered = block_on(recover(&directory, &RecoverOptions::new().checkpoint(Some(id))));
        let recovered = recovered.map_err(|error| Failure::core(&self.dir, &error))?;
        let Some(recovered) = recovered.filter(|recovered| recovered.metadata.alluvium.is_some()) else {
            return Err(Failure::at(self.dir.display(), format!("checkpoint {id} was written by the original"))
                .hint("its state is opaque: it has no keys to count"));
        };
        let mut prefixes: BTreeMap<&[u8], (u64, u64)> = BTreeMap::new();
        for (key, value) in recovered.state.iter_hash_order() {
            let (keys, bytes) = prefixes.entry(self.prefix(key)).or_default();
            *keys += 1;
            *bytes += (key.len() + value.len()) as u64;
        }
        let (keys, bytes) = (recovered.state.len() as u64, recovered.state.payload_bytes());
        let mut largest: Vec<_> = prefixes.into_iter().collect();
        largest.sort_by_key(|&(prefix, (_, bytes))| (std::cmp::Reverse(bytes), prefix));
        let share = |part: u64| {
            let thousandths = u128::from(part) * 1_000 / u128::from(bytes.max(1));
            format!("{}.{} %", thousandths / 10, thousandths % 10)
        };

        let mut table = Table::new(&["bytes", "share", "keys", "prefix"]);
        for (prefix, (keys, bytes)) in largest.iter().take(self.limit) {
            table.row(vec![grouped(*bytes), share(*bytes), grouped(*keys), readable(prefix, usize::MAX)]);
        }
        let rest = largest.iter().skip(self.limit).map(|(_, (keys, bytes))| (*keys, *bytes));
        let (rest_keys, rest_bytes) = rest.fold((0, 0), |sum, (keys, bytes)| (sum.0 + keys, sum.1 + bytes));
        if rest_keys > 0 {
            let others = format!("({} other prefixes)", grouped((largest.len() - self.limit) as u64));
            table.row(vec![grouped(rest_bytes), share(rest_bytes), grouped(rest_keys), others]);
        }
        table.row(vec![grouped(bytes), share(bytes), grouped(keys), format!("(checkpoint {id})")]);
        print(|out| write!(out, "{table}"))?;
        Ok(Answer::Yes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_cut_after_separators_or_bytes() {
        let check = |depth, bytes, expected: &[u8]| {
            let top = Top { dir: PathBuf::new(), id: None, limit: 1, depth, bytes };
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
