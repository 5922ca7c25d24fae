//! Plugin and engine as one file, as wasm/compose.wac makes it.

use std::fs;
use std::path::PathBuf;

use alluvium_host::{CodeLimits, HostOptions, Limit, Limits, Module, PluginOptions, RuntimeError};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

use crate::support::{Bench, delays, engine, flights, header, refused};

/// What `wac compose wasm/compose.wac` does, in the library's words.
fn compose(bench: &Bench) -> PathBuf {
    let mut graph = CompositionGraph::new();
    let mut instance = |name: &str, file: PathBuf| {
        let package = Package::from_file(name, None, file, graph.types_mut()).expect("a component");
        let package = graph.register_package(package).expect("it registers");
        graph.instantiate(package)
    };
    let (engine, plugin) = (instance("alluvium:engine", engine()), instance("alluvium:plugin", delays()));
    let state = "alluvium:checkpoint/state@0.2.0";
    let linked = graph.alias_instance_export(engine, state).expect("the engine's state");
    graph.set_instantiation_argument(plugin, state, linked).expect("it fits");
    for (instance, name) in
        [(plugin, "alluvium:checkpoint/operator@0.2.0"), (engine, "alluvium:checkpoint/checkpoints@0.2.0")]
    {
        let export = graph.alias_instance_export(instance, name).expect("it is exported");
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
