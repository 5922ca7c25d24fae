//! Hash flooding: what hostile keys cost on each path through the engine, against as many ordinary keys.
//! The cost is counted in probes, which are the same on every machine.

use std::collections::BTreeMap;

use alluvium_core::directory::block_on;
use alluvium_core::model::work::take_probes;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::diff::diff;
use alluvium_core::tools::verify::{Severity, verify};
use alluvium_core::{CheckpointConfig, Columns, State};

use crate::colliding::{colliding_key, key_with_hash, ordinary_key};
use crate::{checkpoint, fresh_with, open};

/// A family of keys, and the key that a number has in it.
pub type Family = (&'static str, fn(u32) -> Vec<u8>);

/// The families of hostile keys.
pub const FAMILIES: [Family; 5] = [
    ("one hash", |n| colliding_key(n).to_vec()),
    ("one hash, in another order", |n| colliding_key(n.wrapping_mul(0x9e37_79b1)).to_vec()),
    // The upper 38 bits are equal: the key group and all bits that a table keeps.
    ("one upper half", |n| key_with_hash(7 << 58 | u64::from(n.wrapping_mul(0x9e37_79b1)) & 0x3ff_ffff).to_vec()),
    // Neighbouring places of one table.
    ("one neighbourhood", |n| key_with_hash(9 << 58 | 1 << 57 | u64::from(n) << 26).to_vec()),
    // Pairs of equal bits, so that each run is short, but all are in one neighbourhood.
    ("one neighbourhood in pairs", |n| key_with_hash(11 << 58 | u64::from(n / 2) << 26 | u64::from(n % 2)).to_vec()),
];

/// How many times the probes of ordinary keys hostile keys may cost.
pub const FACTOR_MAX: u64 = 10;

/// Probes by step.
type Probes = BTreeMap<&'static str, u64>;

/// Counts the probes of each step that `keys` keys take through the engine.
fn probes(keys: u32, key: impl Fn(u32) -> Vec<u8>) -> Result<Probes, String> {
    let failed = |what: &str, why: &dyn ToString| format!("{what}: {}", why.to_string());
    let mut counted = Probes::new();
    let mut note = |step| {
        counted.insert(step, take_probes());
    };
    take_probes();
    let (directory, mut manager) = fresh_with(CheckpointConfig::new().with_max_retained(10));
    for n in 0..keys {
        manager.put(&key(n), &n.to_le_bytes()).map_err(|why| failed("put", &why))?;
    }
    note("put");
    for n in 0..keys {
        if manager.get(&key(n)) != Some(&n.to_le_bytes()) {
            return Err(format!("get: key {n} is not there"));
        }
    }
    note("get");
    // Each key changes twice, so that the checkpoint has to find the last change of each.
    for n in 0..keys {
        manager.put(&key(n), &n.to_be_bytes()).map_err(|why| failed("put again", &why))?;
    }
    note("put again");
    let first = checkpoint(&mut manager);
    note("first checkpoint");

    let all: Vec<u8> = (0..keys).flat_map(&key).collect();
    let key_bytes = all.len() / keys as usize;
    let values = vec![7; keys as usize];
    let (key_lens, value_lens) = (vec![key_bytes as u32; keys as usize], vec![1; keys as usize]);
    let batch = Columns {
        ops: &vec![0; keys as usize],
        key_lens: &key_lens,
        value_lens: &value_lens,
        keys: &all,
        values: &values,
    };
    manager.apply(&batch).map_err(|why| failed("apply", &why))?;
    note("apply");
    block_on(manager.sync(0)).map_err(|why| failed("sync", &why))?;
    note("sync");
    check_equal(&manager.state().digest(), &open(&directory).map_err(|why| failed("open", &why))?.state().digest())?;
    note("recovery of a base and a WAL");
    let second = checkpoint(&mut manager);
    note("second checkpoint");
    let recovered = block_on(recover(&*directory, &RecoverOptions::new())).map_err(|why| failed("recover", &why))?;
    check_equal(&recovered.map(|recovered| recovered.state.digest()), &Some(manager.state().digest()))?;
    note("recovery of a base and a delta");
    let report = block_on(verify(&*directory)).map_err(|why| failed("verify", &why))?;
    check_equal(&report.findings.iter().find(|finding| finding.severity == Severity::Damage), &None)?;
    note("verify");
    let difference = block_on(diff(&*directory, first, second)).map_err(|why| failed("diff", &why))?;
    check_equal(&difference.changes.len(), &(keys as usize))?;
    note("diff");
    // Every second key, then the others, so that gaps are closed and tables shrink.
    for n in (0..keys).step_by(2).chain((1..keys).step_by(2)) {
        if !manager.delete(&key(n)).map_err(|why| failed("delete", &why))? {
            return Err(format!("delete: key {n} is not there"));
        }
    }
    note("delete");
    check_equal(&(manager.len(), manager.state().digest()), &(0, State::new().digest()))?;
    checkpoint(&mut manager);
    note("checkpoint of deletes");
    Ok(counted)
}

fn check_equal<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found:?} found, {expected:?} expected")) }
}

/// Takes `keys` keys of each hostile family through the engine. Returns what each step cost, and whether that is
/// within [`FACTOR_MAX`] times the probes that as many ordinary keys cost.
pub fn check_flooding(keys: u32, families: &[Family]) -> Result<Vec<(String, bool)>, String> {
    let ordinary = probes(keys, |n| ordinary_key(n).to_vec())?;
    let mut told = Vec::new();
    for (name, key) in families {
        for (step, probes) in probes(keys, key).map_err(|why| format!("{name}: {why}"))? {
            // Some steps make no probes for ordinary keys. For hostile ones they may make a few for each key.
            let expected = ordinary[step].max(u64::from(keys));
            let tenths = 10 * probes / expected;
            let factor = format!("{}.{}", tenths / 10, tenths % 10);
            let what = format!("{name}, {step}: {probes} probes, {factor} times the {expected} of ordinary keys");
            told.push((what, probes <= FACTOR_MAX * expected));
        }
    }
    Ok(told)
}
