//! Attacks that are no calls of a plugin: components, files and directories that harm while they are opened, and keys
//! that were chosen to collide.

use std::fs::{self, File};
use std::path::Path;

use alluvium_host::bindings::engine::alluvium::checkpoint::types::Columns;
use alluvium_host::{Host, PluginOptions, RuntimeError};
use alluvium_hostile::{Guest, bombs};
use alluvium_test_harness::colliding::colliding_key;
use anyhow::{Context, Result};

use crate::sandbox::CALL;
use crate::sandbox::tenant::{load, options, start};

/// Does the attack, and says what ended it.
type Attempt = Box<dyn FnMut() -> Result<String> + Send>;

/// An attack that is no call of a plugin.
pub(super) struct Other {
    pub(super) name: &'static str,
    pub(super) within_ms: f64,
    /// Whether it can be done again and again, so that neighbours feel it.
    pub(super) repeats: bool,
    /// Makes what it needs, in a directory of its own.
    pub(super) prepare: fn(&Host, &Path) -> Result<Attempt>,
}

impl Other {
    const fn refused(name: &'static str, prepare: fn(&Host, &Path) -> Result<Attempt>) -> Self {
        Self { name, within_ms: 0.0, repeats: true, prepare }
    }
}

pub(super) const OTHERS: [Other; 10] = [
    Other::refused("compile_bomb", |host, place| bomb(host, place, &bombs::loops(2_000, 5_000))),
    Other::refused("globals", |host, place| bomb(host, place, &bombs::globals(58, 990_000))),
    Other::refused("many_memories", |host, place| bomb(host, place, &bombs::core(&"(memory 1)".repeat(18)))),
    Other::refused("large_file", |host, place| bomb(host, place, &vec![0; 65 << 20])),
    Other::refused("device", |host, _| {
        let host = host.clone();
        Ok(Box::new(move || refusal(host.load("/dev/zero"))))
    }),
    Other::refused("sparse_metadata", |host, place| sparse(host, place, "checkpoint_00000000000000ff/metadata.json")),
    Other::refused("sparse_log", |host, place| sparse(host, place, "wal/0000000000000001-0000000000000001.log")),
    Other {
        name: "partial_checkpoints",
        within_ms: CALL.as_secs_f64() * 1e3,
        repeats: false,
        prepare: |host, place| {
            for id in 1..=100_000_u32 {
                let at = place.join(format!("state/checkpoint_{id:016x}"));
                fs::create_dir_all(&at)?;
                File::create(at.join("state.bin"))?;
            }
            opened(host, place)
        },
    },
    Other {
        name: "colliding_keys",
        within_ms: CALL.as_secs_f64() * 1e3,
        repeats: false,
        prepare: |host, place| {
            let mut plugin = start(host, &load(host, place, &Guest::new())?, &place.join("state"))?;
            let (count, keys) = (100_000, (0..100_000).flat_map(colliding_key).collect());
            let (ops, key_lens, value_lens) = (vec![0; count], vec![16; count], vec![0; count]);
            let batch = Columns { ops, key_lens, value_lens, keys, values: Vec::new() };
            Ok(Box::new(move || {
                let applied = plugin.with_engine(|engine| engine.apply(0, &batch))?;
                Ok(format!("{applied} keys, applied at once"))
            }))
        },
    },
    Other {
        name: "colliding_keys_restart",
        within_ms: CALL.as_secs_f64() * 1e3,
        repeats: false,
        prepare: |host, place| {
            let mut plugin = start(host, &load(host, place, &Guest::new())?, &place.join("state"))?;
            for number in 0..100_000 {
                plugin.with_engine(|engine| engine.put(0, &colliding_key(number), b""))?;
            }
            plugin.checkpoint()?;
            Ok(Box::new(move || {
                plugin.restart()?;
                Ok("recovered from its checkpoint".to_owned())
            }))
        },
    },
];

fn refusal<T>(result: Result<T, RuntimeError>) -> Result<String> {
    Ok(result.err().context("it was not refused")?.to_string())
}

/// A component that is only loaded. It takes longer to make than to refuse.
fn bomb(host: &Host, place: &Path, component: &[u8]) -> Result<Attempt> {
    let (host, file) = (host.clone(), place.join("bomb.wasm"));
    fs::write(&file, component)?;
    Ok(Box::new(move || refusal(host.load(&file))))
}

/// A directory with a file of 3 GiB that has nothing in it.
fn sparse(host: &Host, place: &Path, name: &str) -> Result<Attempt> {
    let mut plugin = start(host, &load(host, place, &Guest::new())?, &place.join("state"))?;
    plugin.checkpoint()?;
    plugin.close();
    let file = place.join("state").join(name);
    fs::create_dir_all(file.parent().context("a directory")?)?;
    File::create(file)?.set_len(3 << 30)?;
    opened(host, place)
}

/// Starts a plugin over a directory that others have prepared.
fn opened(host: &Host, place: &Path) -> Result<Attempt> {
    let (host, code, state) = (host.clone(), load(host, place, &Guest::new())?, place.join("state"));
    Ok(Box::new(move || match host.start(&code, &state, &PluginOptions { create: false, ..options() }) {
        Ok(_) => Ok("it started, and had read nothing of it".to_owned()),
        Err(error) => Ok(error.to_string()),
    }))
}
