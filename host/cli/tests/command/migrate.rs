//! Plugins of another schema version: refused, tried, migrated. And plugins with an engine inside,
//! limits on the disk and on fuel, and counts in a file.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Bench, alluvium, engine, fails, files, flights, ok, text};
use alluvium_hostile::Guest;

/// A plugin called delays, of schema version 2, whose migration deletes nothing and puts one key,
/// then returns what is at this address: ok where there are zeros.
fn version_2(bench: &Bench, returns: &str) -> PathBuf {
    let put = "(call $put (i32.const 160) (i32.const 6) (i32.const 160) (i32.const 6) (i32.const 4096))";
    let guest = Guest::new().version(2).migration(&format!("{put} {returns}"));
    let path = bench.path("version-2.wasm");
    fs::write(&path, guest.component()).expect("a file");
    path
}

fn run(bench: &Bench, plugin: &Path, more: &[&str]) -> Vec<String> {
    let (plugin, dir, input) = (text(plugin), bench.dir_text(), text(&flights()));
    let fixed = ["run", &plugin, "--dir", &dir, "--input", &input, "--stop-after", "10", "--max-retained", "10"];
    fixed.iter().chain(more).map(|&argument| argument.to_owned()).collect()
}

#[test]
fn a_migration_is_asked_for_tried_and_done() {
    let bench = Bench::with_checkpoints();
    let before = bench.dump();
    let plugin = version_2(&bench, "(i32.const 16)");
    fails(run(&bench, &plugin, &[]), &bench.dir(), &["schema version 1", "--migrate --dry-run", "--migrate does it"]);
    fails(run(&bench, &plugin, &["--dry-run"]), &bench.dir(), &["--migrate"]);

    let left = files(&bench.dir());
    let tried = alluvium(run(&bench, &plugin, &["--migrate", "--dry-run"]));
    assert_eq!(tried.code, Some(0), "{}", tried.err);
    assert_eq!(tried.out, "+ delays  delays\n", "the one key that the migration puts");
    assert!(tried.err.contains("would do, but has not done") && tried.err.contains("version 1, checkpoint 3, to 2"));
    assert_eq!(files(&bench.dir()), left, "nothing is changed");
    let names: Vec<_> = fs::read_dir(bench.scratch.path()).expect("it lists").flatten().collect();
    assert!(names.iter().all(|name| !name.file_name().to_string_lossy().starts_with(".alluvium")), "{names:?}");

    let done = alluvium(run(&bench, &plugin, &["--migrate", "--json"]));
    assert_eq!(done.code, Some(0), "{}", done.err);
    let events: Vec<Value> = done.err.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
    let migrated = events.iter().find(|event| event["event"] == "migrated").expect("an event");
    assert_eq!((&migrated["before"], &migrated["id"], &migrated["to"]), (&3.into(), &4.into(), &2.into()));
    let newest = &bench.list()[0];
    assert_eq!(newest["source_offsets"]["input"], 1_510, "and the run went on from there");
    assert_eq!(newest["alluvium"]["annotations"]["plugin.schema-version"], "2");
    let mut expected: Vec<&str> = before.lines().collect();
    expected.push(r#"{"key":"delays","value":"delays"}"#);
    expected.sort_unstable();
    assert_eq!(bench.dump().lines().collect::<Vec<_>>(), expected);
    // Again: there is nothing to migrate, and nothing wrong with asking.
    ok(run(&bench, &plugin, &["--migrate"]));
    let tried = alluvium(run(&bench, &plugin, &["--migrate", "--dry-run"]));
    assert!(tried.code == Some(0) && tried.err.contains("there is nothing to migrate"), "{}", tried.err);
    // The old version has no way back but a restore.
    fails(bench.run_arguments(&[]), &bench.dir(), &["keeps schema version 2"]);
    ok(bench.over_dir("restore", &["3"]));
    ok(bench.run_arguments(&["--stop-after", "10"]));
}

#[test]
fn a_migration_that_ends_badly_changes_nothing() {
    let bench = Bench::with_checkpoints();
    for (returns, words) in [
        ("(unreachable)", &["the plugin ended in mid-call", "unreachable"][..]),
        ("(loop $more (br $more)) (unreachable)", &["limit of time"]),
        ("(i32.store8 (i32.const 32) (i32.const 1)) (i32.const 32)", &["the plugin refuses"]),
    ] {
        let plugin = version_2(&bench, returns);
        for more in [&["--migrate", "--plugin-seconds", "1"][..], &["--migrate", "--dry-run", "--plugin-seconds", "1"]]
        {
            fails(run(&bench, &plugin, more), &bench.dir(), words);
        }
    }
    bench.assert_whole();
}

#[test]
fn a_state_too_large_for_its_disk_and_a_call_out_of_fuel() {
    let bench = Bench::with_checkpoints();
    let process = "(loop $more
            (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
            (call $put (i32.const 8192) (i32.const 4) (i32.const 65536) (i32.const 60000) (i32.const 4096))
            (br_if $more (i32.lt_u (i32.load (i32.const 8192)) (i32.const 30))))
        (i32.const 16)";
    let path = bench.path("large.wasm");
    fs::write(&path, Guest::new().process(process).component()).expect("a file");
    fails(run(&bench, &path, &["--disk-mib", "1"]), &bench.dir(), &["limit of disk bytes", "--max-retained"]);
    fails(run(&bench, &path, &["--plugin-fuel", "100"]), &bench.dir(), &["limit of fuel"]);
    ok(run(&bench, &path, &["--disk-mib", "8", "--plugin-fuel", "1000000"]));
    bench.assert_whole();
}

#[test]
fn a_plugin_with_its_engine_inside() {
    let (bench, apart) = (Bench::new(), Bench::new());
    let mut graph = wac_graph::CompositionGraph::new();
    let mut instance = |name: &str, file: PathBuf| {
        let package = wac_graph::types::Package::from_file(name, None, file, graph.types_mut()).expect("a component");
        let package = graph.register_package(package).expect("it registers");
        graph.instantiate(package)
    };
    // As wasm/compose.wac says.
    let (engine, plugin) = (instance("a:engine", engine()), instance("a:plugin", crate::support::delays()));
    let interface = |name: &str| format!("alluvium:checkpoint/{name}@0.2.0");
    let state = graph.alias_instance_export(engine, &interface("state")).expect("a state");
    graph.set_instantiation_argument(plugin, &interface("state"), state).expect("it fits");
    for (instance, name) in [(plugin, "operator"), (engine, "checkpoints")] {
        let export = graph.alias_instance_export(instance, &interface(name)).expect("it is exported");
        graph.export(export, interface(name)).expect("a name");
    }
    let composed = bench.path("composed.wasm");
    let bytes = graph.encode(wac_graph::EncodeOptions::default()).expect("a component");
    fs::write(&composed, bytes).expect("a file");
    let whole = |plugin: &PathBuf, bench: &Bench| {
        let composed = if plugin == &composed { "--composed" } else { "--json" };
        let arguments = ["run", &text(plugin), composed, "--dir", &bench.dir_text(), "--input", &text(&flights())];
        ok(arguments.map(ToOwned::to_owned))
    };
    assert_eq!(whole(&composed, &bench), whole(&crate::support::delays(), &apart), "the same results");
    assert_eq!(bench.dump(), apart.dump(), "the same state");
}

#[test]
fn counts_in_a_file() {
    let bench = Bench::new();
    let path = bench.path("metrics.prom");
    ok(bench.run_arguments(&["--checkpoint-every", "1000", "--stop-after", "5000", "--metrics", &text(&path)]));
    let found = fs::read_to_string(path).expect("the counts");
    let labels = format!("{{plugin=\"delays\",directory=\"{}\"}}", bench.dir_text());
    for line in [format!("alluvium_checkpoints_total{labels} 5"), format!("alluvium_records_total{labels} 5000")] {
        assert!(found.lines().any(|one| one == line), "{line} is missing in\n{found}");
    }
}
