//! The unit of systemd: systemd accepts it, and the command accepts its arguments.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::alluvium;

fn unit(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name);
    fs::read_to_string(path).expect("the unit")
}

#[test]
fn systemd_accepts_the_units() {
    check("alluvium.service");
    check("alluvium-cluster@.service");
}

fn check(name: &str) {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let path = scratch.path().join(name.replace('@', "@0"));
    // The command need not be installed here.
    fs::write(&path, unit(name).replace("/usr/local/bin/alluvium", env!("CARGO_BIN_EXE_alluvium"))).expect("a file");
    let Ok(checked) = Command::new("systemd-analyze").arg("verify").arg(&path).output() else {
        eprintln!("systemd-analyze is not here: the unit is unchecked");
        return;
    };
    let told = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && !told.contains(&name.replace('@', "@0")), "{told}");
}

/// No tool that builds images is here, so the image itself is unchecked.
#[test]
fn the_image_starts_the_command_with_options_that_it_has() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/Dockerfile");
    let file = fs::read_to_string(path).expect("the file");
    let command = file.lines().find_map(|line| line.strip_prefix("CMD ")).expect("a command");
    let arguments: Vec<String> = serde_json::from_str(command).expect("an array");
    let done = alluvium(&arguments);
    // The arguments are all known. What is missing is the configuration.
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("/plugin/run.toml: No such file"), "{}", done.err);
    let last = file.rsplit("FROM ").next().expect("a stage");
    assert!(last.starts_with("scratch\n") && last.contains("\nUSER 65532"), "{last}");
}

#[test]
fn the_command_accepts_the_arguments_of_the_unit() {
    let unit = unit("alluvium.service").replace("\\\n", " ");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    let done = alluvium(start.split_whitespace().skip(1));
    // The arguments are all known. What is missing is the plugin.
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("/etc/alluvium/plugin.wasm") && !done.err.contains("Usage"), "{}", done.err);
}
