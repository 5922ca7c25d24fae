//! Plugin and engine as one file, as wasm/compose.wac makes it.

use std::fs;
use std::path::PathBuf;

use alluvium_host::{Batch, CodeLimits, ColumnBatch, HostOptions, Limit, Limits, Module, PluginOptions, RuntimeError};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

use crate::support::{Bench, component, delays, engine, flights, header, refused};

/// What `wac compose wasm/compose.wac` does, in the library's words.
fn compose(bench: &Bench) -> PathBuf {
    compose_of(bench, delays(), &["state"], &["operator"])
}

/// The same with what the plugin imports from the engine and exports, for `compose-timed.wac` as well.
fn compose_of(bench: &Bench, plugin: PathBuf, imports: &[&str], exports: &[&str]) -> PathBuf {
    let interface = |name: &str| format!("alluvium:checkpoint/{name}@0.2.0");
    let mut graph = CompositionGraph::new();
    let mut instance = |name: &str, file: PathBuf| {
        let package = Package::from_file(name, None, file, graph.types_mut()).expect("a component");
        let package = graph.register_package(package).expect("it registers");
        graph.instantiate(package)
    };
    let (engine, plugin) = (instance("alluvium:engine", engine()), instance("alluvium:plugin", plugin));
    for name in imports.iter().map(|name| interface(name)) {
        let linked = graph.alias_instance_export(engine, &name).expect("the engine has it");
        graph.set_instantiation_argument(plugin, &name, linked).expect("it fits");
    }
    let exports = exports.iter().map(|name| (plugin, interface(name)));
    for (instance, name) in exports.chain([(engine, interface("checkpoints"))]) {
        let export = graph.alias_instance_export(instance, &name).expect("it is exported");
        graph.export(export, name).expect("a name");
    }
    let path = bench.path("composed.wasm");
    fs::write(&path, graph.encode(EncodeOptions::default()).expect("a component")).expect("a file");
    path
}

fn composed(bench: &Bench) -> Module {
    let large = HostOptions { code_in_process: CodeLimits::default(), ..HostOptions::default() };
    let host = Bench::with(large).host;
    let refused = refused(host.load(compose(bench))).to_string();
    assert!(refused.contains("exports an engine of its own"), "{refused}");
    let code = bench.host.load_composed(compose(bench)).expect("it loads");
    assert!(code.is_composed());
    code
}

#[test]
fn it_does_what_the_two_apart_do() {
    let bench = Bench::new();
    let (apart, composed) = (bench.host.load(delays()).unwrap(), composed(&bench));
    assert!(!apart.is_composed());
    for (name, code) in [("apart", &apart), ("composed", &composed)] {
        let mut plugin = bench.start(code, name, None);
        for batch in 0..5 {
            plugin.feed(0, &flights(batch * 300 + 1, 300)).unwrap();
            plugin.set_source_offset("input", (batch + 1) * 300).unwrap();
            assert_eq!(plugin.checkpoint().unwrap().info.id, batch + 1);
        }
        plugin.feed(0, &flights(1, 9)).unwrap();
        plugin.restart().unwrap();
        assert_eq!(plugin.source_offset("input").unwrap(), Some(1_500));
        assert!(plugin.results(true, 10).unwrap()[0].contains("\"flights\":1500"));
    }
    assert_eq!(bench.state("apart"), bench.state("composed"));
    // One continues with what the other has left, and may be swapped for it at work.
    let mut plugin = bench.start(&composed, "apart", None);
    plugin.feed(0, &flights(1_501, 100)).unwrap();
    plugin.swap(&apart).unwrap();
    plugin.feed(0, &flights(1_601, 100)).unwrap();
    plugin.swap(&composed).unwrap();
    assert!(plugin.results(true, 10).unwrap()[0].contains("\"flights\":1700"));
}

#[test]
fn its_limits_are_those_of_a_plugin() {
    let bench = Bench::new();
    let composed = composed(&bench);
    let start = |limits| {
        let options = PluginOptions { limits: Some(limits), ..PluginOptions::default() };
        let mut plugin = bench.host.start(&composed, bench.path("one"), &options)?;
        plugin.begin(0, &header())?;
        plugin.feed(0, &flights(1, 100))?;
        plugin.checkpoint()
    };
    let tight = Limits { disk_bytes: 100, ..Limits::default() };
    match refused(start(tight)) {
        RuntimeError::Limit { limit: Limit::DiskBytes, .. } => {}
        error => panic!("{error}"),
    }
    let tight = Limits { engine_memory_bytes: 1 << 20, plugin_memory_bytes: 1 << 20, ..Limits::default() };
    match refused(start(tight)) {
        RuntimeError::Limit { limit: Limit::Memory, .. } => {}
        error => panic!("{error}"),
    }
    start(Limits::default()).unwrap();
}

#[test]
fn one_with_timers_fires_them() {
    let bench = Bench::with(HostOptions { code_in_process: CodeLimits::default(), ..HostOptions::default() });
    let weather = component("ALLUVIUM_WEATHER", "weather.wasm");
    let composed = compose_of(&bench, weather.clone(), &["state", "time"], &["operator", "timed"]);
    let codes = [bench.host.load(weather).unwrap(), bench.host.load_composed(composed).unwrap()];
    let rows = ["EWR", "2013-01-01T01:00:00Z", "30", "EWR", "2013-01-01T23:00:00Z", "40"];
    let batch = Batch::Columns(ColumnBatch {
        count: 2,
        field_lens: rows.iter().map(|field| u32::try_from(field.len()).unwrap()).collect(),
        fields: rows.concat().into_bytes(),
    });
    for (at, code) in codes.iter().enumerate() {
        assert!(code.is_timed());
        let mut plugin = bench.host.start(code, bench.path(&at.to_string()), &PluginOptions::default()).unwrap();
        plugin.begin(0, &["origin", "time_hour", "temp"].map(String::from)).unwrap();
        plugin.feed(0, &batch).unwrap();
        plugin.checkpoint().unwrap();
        plugin.restart().unwrap();
        assert_eq!([1, 1, 0], [(); 3].map(|()| plugin.fire_all_timers().unwrap()), "the end, and when it is closed");
        let emitted = plugin.take_emitted();
        let line = String::from_utf8_lossy(emitted[0].bytes()).into_owned();
        assert!(line.ends_with("\"value\":35.0}\n"), "{at}: {line}");
    }
}
