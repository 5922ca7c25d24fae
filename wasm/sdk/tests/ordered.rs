//! Ordered and merged state, by random commands against a model. Many commands are one batch, so that what waits in the
//! cache is seen by those that follow.

use std::collections::{BTreeMap, BTreeSet};

use alluvium_plugin::merge::{Add, Append, Greatest, Least, Union};
use alluvium_plugin::prelude::*;
use alluvium_plugin::{Batch, Context, Description, Failure, Merged, OrderedMap};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

type Range = (Option<i64>, Option<i64>);

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Command {
    Set(u64, i64, i64),
    Delete(u64, i64),
    Get(u64, i64),
    Range(u64, Range, bool, usize),
    DeleteRange(u64, Range),
    Merge(u64, i64),
    Forget(u64),
    Merged(u64),
}

struct Commands {
    ordered: OrderedMap<u64, i64, i64>,
    sums: Merged<u64, Add>,
    least: Merged<u64, Least<i64>>,
    greatest: Merged<u64, Greatest<i64>>,
    texts: Merged<u64, Append>,
    sets: Merged<u64, Union<i64>>,
}

fn commands() -> Commands {
    Commands {
        ordered: OrderedMap::new("ordered"),
        sums: Merged::new("sums"),
        least: Merged::new("least"),
        greatest: Merged::new("greatest"),
        texts: Merged::new("texts"),
        sets: Merged::new("sets"),
    }
}

/// The bounds of a range, as every form of range has them.
fn bounds((from, to): Range) -> (std::ops::Bound<i64>, std::ops::Bound<i64>) {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    // Odd bounds are excluded ones.
    let bound = |key: i64| if key % 2 == 0 { Included(key) } else { Excluded(key) };
    (from.map_or(Unbounded, bound), to.map_or(Unbounded, bound))
}

impl Commands {
    fn obey(&self, command: Command, context: &mut Context<'_>) -> Result<Json, String> {
        Ok(match command {
            Command::Set(owner, key, value) => json!(self.ordered.set(&owner, &key, &value, context)?),
            Command::Delete(owner, key) => json!(self.ordered.delete(&owner, &key, context)?),
            Command::Get(owner, key) => json!(self.ordered.get(&owner, &key, context)?),
            Command::Range(owner, range, false, limit) => {
                json!(self.ordered.range(&owner, bounds(range), limit, context)?)
            }
            Command::Range(owner, range, true, limit) => {
                json!(self.ordered.range_reversed(&owner, bounds(range), limit, context)?)
            }
            Command::DeleteRange(owner, range) => json!(self.ordered.delete_range(&owner, bounds(range), context)?),
            Command::Merge(key, operand) => {
                self.sums.merge(&key, &operand, context)?;
                self.least.merge(&key, &operand, context)?;
                self.greatest.merge(&key, &operand, context)?;
                self.texts.merge(&key, &operand.to_string().into_bytes(), context)?;
                json!(self.sets.merge(&key, &operand, context)?)
            }
            Command::Forget(key) => {
                self.sums.delete(&key, context)?;
                self.least.delete(&key, context)?;
                self.greatest.delete(&key, context)?;
                self.texts.delete(&key, context)?;
                json!(self.sets.delete(&key, context)?)
            }
            Command::Merged(key) => json!([
                self.sums.get(&key, context)?,
                self.least.get(&key, context)?,
                self.greatest.get(&key, context)?,
                self.texts.get(&key, context)?,
                self.sets.get(&key, context)?,
            ]),
        })
    }
}

impl Operator for Commands {
    fn describe(&self) -> Description {
        Description::new("commands")
            .input_of_records("commands")
            .output("answers")
            .namespace(self.ordered.namespace())
            .namespace(self.sums.namespace())
            .namespace(self.least.namespace())
            .namespace(self.greatest.namespace())
            .namespace(self.texts.namespace())
            .namespace(self.sets.namespace())
    }

    fn process(&mut self, _: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        for command in batch.json()? {
            let answer = self.obey(command, context)?;
            context.emit(0, &answer)?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Model {
    ordered: BTreeMap<(u64, i64), i64>,
    merged: BTreeMap<u64, Vec<i64>>,
}

impl Model {
    fn found(&self, owner: u64, (from, to): Range) -> Vec<(i64, i64)> {
        let is_in = |key: i64| {
            from.is_none_or(|from| key > from || key == from && from % 2 == 0)
                && to.is_none_or(|to| key < to || key == to && to % 2 == 0)
        };
        let of_owner = self.ordered.iter().filter(|((of, key), _)| *of == owner && is_in(*key));
        of_owner.map(|((_, key), value)| (*key, *value)).collect()
    }

    fn obey(&mut self, command: Command) -> Json {
        match command {
            Command::Set(owner, key, value) => drop(self.ordered.insert((owner, key), value)),
            Command::Delete(owner, key) => drop(self.ordered.remove(&(owner, key))),
            Command::Get(owner, key) => return json!(self.ordered.get(&(owner, key))),
            Command::Range(owner, range, reversed, limit) => {
                let mut found = self.found(owner, range);
                if reversed {
                    found.reverse();
                }
                found.truncate(limit);
                return json!(found);
            }
            Command::DeleteRange(owner, range) => {
                let found = self.found(owner, range);
                self.ordered.retain(|(of, key), _| *of != owner || !found.iter().any(|(gone, _)| gone == key));
                return json!(found.len());
            }
            Command::Merge(key, operand) => self.merged.entry(key).or_default().push(operand),
            Command::Forget(key) => drop(self.merged.remove(&key)),
            Command::Merged(key) => {
                let Some(operands) = self.merged.get(&key) else { return json!([null, null, null, null, null]) };
                let text: String = operands.iter().map(i64::to_string).collect();
                let set: BTreeSet<_> = operands.iter().collect();
                let sum: i64 = operands.iter().sum();
                return json!([sum, set.first(), set.last(), text.into_bytes(), set]);
            }
        }
        Json::Null
    }
}

fn random(rng: &mut Rng) -> Command {
    // The greatest owner has no successor, and keys have both signs.
    let owner = [0, 1, 255, u64::MAX][rng.usize(..4)];
    let key = rng.i64(-6..6);
    let bound = |rng: &mut Rng| rng.bool().then(|| rng.i64(-7..7));
    match rng.u8(..12) {
        0..4 => Command::Set(owner, key, rng.i64(..100)),
        4 => Command::Delete(owner, key),
        5 => Command::Get(owner, key),
        6..8 => Command::Range(owner, (bound(rng), bound(rng)), rng.bool(), rng.usize(..8)),
        8 => Command::DeleteRange(owner, (bound(rng), bound(rng))),
        9 => Command::Merge(owner, key),
        10 => Command::Merged(owner),
        _ => {
            if rng.u8(..4) == 0 {
                Command::Forget(owner)
            } else {
                Command::Merge(owner, key)
            }
        }
    }
}

#[test]
fn ranges_and_merges_are_those_of_a_model() -> Result<(), String> {
    for seed in 0..60 {
        let (mut rng, mut model, mut harness) = (Rng::with_seed(seed), Model::default(), Harness::new(commands));
        let mut expected = Vec::new();
        for _ in 0..20 {
            let batch: Vec<Command> = (0..rng.usize(1..12)).map(|_| random(&mut rng)).collect();
            let records: Vec<String> = batch.iter().map(|it| json!(it).to_string()).collect();
            expected.extend(batch.into_iter().map(|command| model.obey(command).to_string()));
            harness.feed_records(0, &records.iter().map(String::as_bytes).collect::<Vec<_>>())?;
            if rng.u8(..4) == 0 {
                harness.checkpoint()?;
                harness.crash()?;
            }
        }
        assert_eq!(harness.emitted(), expected, "seed {seed}");
    }
    Ok(())
}

#[test]
fn a_batch_that_is_refused_merges_nothing() -> Result<(), String> {
    let mut harness = Harness::new(commands);
    let merge = json!(Command::Merge(1, 5)).to_string();
    assert!(harness.feed_records(0, &[merge.as_bytes(), b"{"]).unwrap_err().starts_with("record 1: "));
    assert_eq!(harness.entries("sums")?, []);
    harness.feed_records(0, &[merge.as_bytes(), merge.as_bytes()])?;
    assert_eq!(harness.entries("sums")?, [(1_u64.to_be_bytes().to_vec(), 10_i64.to_le_bytes().to_vec())]);
    // A set is kept as the engine reads it.
    assert_eq!(harness.entries("sets")?[0].1.len(), 9);
    Ok(())
}
