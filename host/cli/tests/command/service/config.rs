//! `--config`: the options of a run in a file.

use std::fs;

use crate::support::{Bench, alluvium, command, delays, flights, ok, text};

fn configured(bench: &Bench, more: &str) -> String {
    let (plugin, dir, input) = (text(&delays()), bench.dir_text(), text(&flights()));
    let path = bench.path("run.toml");
    let fixed = format!("plugin = {plugin:?}\ndir = {dir:?}\ninput = {input:?}\n");
    fs::write(&path, fixed + more).expect("it writes");
    text(&path)
}

#[test]
fn a_file_says_what_the_command_line_would() {
    let bench = Bench::new();
    let file = configured(&bench, "checkpoint-every = 500\nstop-after = 1_500\nno-results = true\nmax-retained = 10\n");
    ok(["run", "--config", &file]);
    assert_eq!(bench.ids().len(), 3);
    let by_arguments = Bench::new();
    let arguments = ["--checkpoint-every", "500", "--stop-after", "1500", "--max-retained", "10", "--no-results"];
    ok(by_arguments.run_arguments(&arguments));
    assert_eq!(bench.dump(), by_arguments.dump());
}

#[test]
fn the_command_line_comes_first() {
    let bench = Bench::new();
    let file = configured(&bench, "checkpoint-every = 500\nstop-after = 1_500\nmax-retained = 10\n");
    ok(["run", "--stop-after", "500", &format!("--config={file}")]);
    assert_eq!(bench.ids().len(), 1);
    // Also the plugin, which has no dashes.
    let done = alluvium(["run", "--config", &file, "/nowhere/plugin.wasm"]);
    assert!(done.err.contains("/nowhere/plugin.wasm"), "{}", done.err);
}

#[test]
fn what_is_wrong_in_it_is_named_with_its_line() {
    let bench = Bench::new();
    for (more, words) in [
        ("chekpoint-every = 5\n", "line 4: chekpoint-every: alluvium run has no such option"),
        ("checkpoint-every = \"often\"\n", "line 4: checkpoint-every: invalid value 'often'"),
        ("follow = true\nfinal = true\n", "cannot be used with"),
        ("input = 3\n", "line 4"),
        ("output = \"${ALLUVIUM_NOT_SET}\"\n", "the environment has no variable \"ALLUVIUM_NOT_SET\""),
    ] {
        let done = alluvium(["run", "--config", &configured(&bench, more)]);
        assert_eq!(done.code, Some(2), "{more}: {}", done.err);
        assert!(done.err.contains(words), "{more}: {}", done.err);
        assert!(!bench.dir().exists());
    }
    let done = alluvium(["run", "--config", "/nowhere.toml"]);
    assert!(done.code == Some(2) && done.err.contains("/nowhere.toml"), "{}", done.err);
}

#[test]
fn a_secret_of_the_environment_is_used_and_never_told() {
    let bench = Bench::new();
    let waiting = text(&bench.path("waiting"));
    let output = format!("nats://me:${{PASSWORD}}@127.0.0.1:1/S?subject=s&waiting={waiting}&retry-for=0s");
    let file = configured(&bench, &format!("output = {output:?}\n"));
    let done = command(["run", "--config", &file, "--json"]).env("PASSWORD", "s3cr@t/").output().expect("it starts");
    let told = String::from_utf8(done.stderr).expect("text");
    assert_eq!(done.status.code(), Some(2), "{told}");
    assert!(told.contains("127.0.0.1:1") && !told.contains("s3cr"), "{told}");
}
