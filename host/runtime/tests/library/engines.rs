//! Two engines behind one trait: the component, and core in this process. They write the same bytes.

use std::sync::{Arc, Condvar, Mutex};

use alluvium_core::directory::{Directory, DirectoryError, Entry, MemoryDirectory, NewFile};
use alluvium_host::bindings::engine::alluvium::checkpoint::types::PackedKeys;
use alluvium_host::{Cache, EngineError, Host, HostOptions, Limit, Limits, Module, PluginOptions, RuntimeError};

use crate::support::{Bench, delays, flights, header, refused};
use crate::work::{assert_same, work_over};

fn native() -> Host {
    let cache = Cache::at(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    Host::native(HostOptions { cache, ..HostOptions::default() }).expect("a host")
}

#[test]
fn both_write_the_same_bytes() {
    let bench = Bench::new();
    assert_same(&work_over(&bench.host, &bench.path("component")), &work_over(&native(), &bench.path("native")));
}

#[test]
fn each_continues_what_the_other_began() {
    let bench = Bench::new();
    let hosts = [&bench.host, &native()];
    let path = bench.path("one");
    for round in 0..4 {
        let host = hosts[round % 2];
        let mut plugin = host.start(&host.load(delays()).unwrap(), &path, &PluginOptions::default()).unwrap();
        let consumed = u64::try_from(round).unwrap() * 100;
        assert_eq!(plugin.source_offset("input").unwrap().unwrap_or(0), consumed);
        plugin.begin(0, &header()).unwrap();
        plugin.feed(0, &flights(consumed, 100)).unwrap();
        plugin.set_source_offset("input", consumed + 100).unwrap();
        plugin.checkpoint().unwrap();
        let results = plugin.results(true, 10).unwrap().join("\n");
        assert!(results.contains(&format!("\"flights\":{}", consumed + 100)), "{results}");
        plugin.close();
    }
}

#[test]
fn the_native_one_works_over_any_directory() {
    let host = native();
    let code = host.load(delays()).unwrap();
    let directory = Arc::new(MemoryDirectory::new());
    let mut plugin = host.start_over(&code, directory.clone(), "in memory", &PluginOptions::default()).unwrap();
    plugin.begin(0, &header()).unwrap();
    plugin.feed(0, &flights(0, 10)).unwrap();
    plugin.checkpoint().unwrap();
    plugin.feed(0, &flights(0, 10)).unwrap();
    plugin.restart().unwrap();
    let results = plugin.results(true, 10).unwrap().join("\n");
    assert!(results.contains("\"flights\":10,"), "what came after the checkpoint is forgotten: {results}");
    plugin.close();
    let bench = Bench::new();
    let error = refused(bench.host.start_over(&code_of(&bench), directory, "in memory", &PluginOptions::default()));
    assert!(error.to_string().contains("Host::native"), "{error}");
}

fn code_of(bench: &Bench) -> Module {
    bench.host.load(delays()).unwrap()
}

#[test]
fn the_native_one_holds_to_the_limits_of_the_disk() {
    let bench = Bench::new();
    let host = native();
    let limits = Limits { disk_bytes: 1_000, ..Limits::default() };
    let options = PluginOptions { limits: Some(limits), ..PluginOptions::default() };
    let mut plugin = host.start(&host.load(delays()).unwrap(), bench.path("small"), &options).unwrap();
    plugin.begin(0, &header()).unwrap();
    plugin.feed(0, &flights(0, 10)).unwrap();
    let error = refused(plugin.checkpoint());
    assert!(matches!(error, RuntimeError::Limit { limit: Limit::DiskBytes, .. }), "{error}");
    assert!(!plugin.is_running());
}

/// A directory in memory whose creations wait until they are let through.
#[derive(Default)]
struct Gate {
    directory: MemoryDirectory,
    /// Whether creations must wait.
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }
}

impl Directory for Gate {
    async fn list(&self) -> Result<Vec<Entry>, DirectoryError> {
        self.directory.list().await
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, DirectoryError> {
        self.directory.read(path).await
    }

    async fn read_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, DirectoryError> {
        self.directory.read_range(path, offset, length).await
    }

    async fn create(&self, batch: Vec<NewFile>) -> Result<(), DirectoryError> {
        let closed = self.opened.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap();
        drop(closed);
        self.directory.create(batch).await
    }

    async fn delete(&self, paths: &[String]) -> Result<(), DirectoryError> {
        self.directory.delete(paths).await
    }
}

#[test]
fn the_stream_goes_on_while_a_checkpoint_is_written() {
    let host = native();
    let gate = Arc::new(Gate::default());
    let code = host.load(delays()).unwrap();
    let mut plugin = host.start_over(&code, gate.clone(), "gate", &PluginOptions::default()).unwrap();
    plugin.begin(0, &header()).unwrap();
    plugin.feed(0, &flights(0, 10)).unwrap();
    plugin.set_source_offset("input", 10).unwrap();
    gate.close();
    plugin.begin_checkpoint().unwrap();
    // It cannot be durable, and yet the plugin works on.
    plugin.feed(0, &flights(10, 5)).unwrap();
    plugin.set_source_offset("input", 15).unwrap();
    assert!(plugin.results(true, 10).unwrap().join("").contains("\"flights\":15,"));
    assert!(plugin.finished_checkpoints().unwrap().is_empty());
    gate.open();
    let finished = plugin.wait_for_checkpoints().unwrap();
    assert_eq!(finished.iter().map(|report| report.info.id).collect::<Vec<_>>(), [1]);
    assert_eq!(finished[0].info.source_offsets[0].offset, 10, "it is of the moment when it was begun");
    assert!(plugin.wait_for_checkpoints().unwrap().is_empty(), "each is told once");
    plugin.restart().unwrap();
    assert_eq!(plugin.source_offset("input").unwrap(), Some(10));
    assert!(plugin.results(true, 10).unwrap().join("").contains("\"flights\":10,"));
}

#[test]
fn with_the_component_a_begun_checkpoint_is_of_the_same_moment() {
    let bench = Bench::new();
    let mut plugin = bench.neighbour();
    plugin.feed(0, &flights(0, 10)).unwrap();
    plugin.begin_checkpoint().unwrap();
    plugin.feed(0, &flights(10, 5)).unwrap();
    let finished = plugin.wait_for_checkpoints().unwrap();
    assert_eq!(finished.iter().map(|report| report.info.id).collect::<Vec<_>>(), [1]);
    plugin.restart().unwrap();
    assert!(plugin.results(true, 10).unwrap().join("").contains("\"flights\":10,"));
}

#[test]
fn one_answer_is_bounded_and_the_engine_lives() {
    let bench = Bench::new();
    for (name, host) in [("native", native()), ("component", bench.host.clone())] {
        let code = host.load(delays()).unwrap();
        let mut plugin = host.start(&code, bench.path(name), &PluginOptions::default()).unwrap();
        let error = refused(plugin.with_engine(|engine| {
            engine.put(0, b"large", &vec![7; 40 << 20])?;
            let twice = PackedKeys { lens: vec![5, 5], bytes: b"largelarge".to_vec() };
            engine.get_many(0, &twice)
        }));
        assert!(matches!(&error, RuntimeError::Engine(EngineError::LimitExceeded(_))), "{name}: {error}");
        let error = refused(
            plugin
                .with_engine(|engine| engine.get_many(0, &PackedKeys { lens: vec![0; (1 << 20) + 1], bytes: vec![] })),
        );
        assert!(error.to_string().contains("1048577 keys at once"), "{name}: {error}");
        let once = PackedKeys { lens: vec![5], bytes: b"large".to_vec() };
        let values = plugin.with_engine(|engine| engine.get_many(0, &once)).unwrap();
        assert_eq!(values.bytes.len(), 40 << 20, "{name}");
    }
}
