//! One piece of work for any host, which leaves the same bytes behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alluvium_core::ManualClock;
use alluvium_core::model::opaque::Opaque;
use alluvium_host::{Host, Plugin, PluginOptions, RuntimeError};

use crate::support::{delays, files, flights, header, refused};

pub(crate) fn options() -> PluginOptions {
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    PluginOptions { store_id: Some(*b"the same for two"), writer: Some(5), clock, ..PluginOptions::default() }
}

/// What both engines are told to do: batches, checkpoints, logs, a refusal, positions, a restart and a restore.
fn work(plugin: &mut Plugin) {
    plugin.begin(0, &header()).unwrap();
    for round in 0..6 {
        plugin.feed(0, &flights(round * 400, 300)).unwrap();
        assert!(matches!(refused(plugin.feed(0, &spoilt())), RuntimeError::Refused { record: Some(0), .. }));
        plugin.set_source_offset("input", (round + 1) * 300).unwrap();
        plugin
            .with_engine(|engine| {
                engine.set_position("input", "7", &Opaque::new(round.to_le_bytes()).unwrap().into())?;
                engine.set_partition_watermark("input", "7", i64::try_from(round).unwrap() * 1_000)?;
                engine.set_processing_time(i64::try_from(round).unwrap())?;
                engine.set_sink_token("out", &Opaque::new(format!("t{round}")).unwrap())
            })
            .unwrap();
        if round % 2 == 0 { plugin.sync().unwrap() } else { drop(plugin.checkpoint().unwrap()) }
    }
    plugin.restart().unwrap();
    plugin.restore(2).unwrap();
    plugin.feed(0, &flights(7, 50)).unwrap();
    plugin.begin_checkpoint().unwrap();
    assert_eq!(plugin.wait_for_checkpoints().unwrap().len(), 1);
    plugin.feed(0, &flights(9, 20)).unwrap();
    plugin.checkpoint().unwrap();
}

/// A batch whose record has a delay that is no number.
fn spoilt() -> alluvium_host::Batch {
    let fields = ["UA", "EWR", "IAH", "600", "late"];
    let field_lens = fields.iter().map(|field| u32::try_from(field.len()).unwrap()).collect();
    let columns = alluvium_host::ColumnBatch { count: 1, field_lens, fields: fields.concat().into_bytes() };
    alluvium_host::Batch::Columns(columns)
}

/// Has the host's plugin do the work in this directory, and returns what is there then.
pub(crate) fn work_over(host: &Host, root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut plugin = host.start(&host.load(delays()).unwrap(), root, &options()).unwrap();
    work(&mut plugin);
    plugin.close();
    let relative = |path: PathBuf| path.strip_prefix(root).unwrap().to_owned();
    files(root).into_iter().map(|(path, content)| (relative(path), content)).collect()
}

/// Compares what two hosts left behind, byte for byte.
#[track_caller]
pub(crate) fn assert_same(one: &BTreeMap<PathBuf, Vec<u8>>, other: &BTreeMap<PathBuf, Vec<u8>>) {
    assert!(one.len() > 5, "{:?}", one.keys());
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, content) in one {
        assert!(content == &other[path], "{} differs", path.display());
    }
}
