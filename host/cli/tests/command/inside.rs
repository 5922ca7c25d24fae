//! The engine component inside the command.

use std::path::Path;
use std::process::Command;

use crate::support::{Bench, Done};

/// What `cargo install` gives: the command alone, in a folder that knows nothing of the sources.
#[test]
fn the_command_runs_from_any_folder() {
    let bench = Bench::with_checkpoints();
    let elsewhere = bench.path("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    let program = elsewhere.join("alluvium");
    // Another process makes the copy. If this one had the file open, a child that another test starts at the
    // same moment could hold it open for writing, and the program could not be started.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_alluvium")).arg(&program).status().expect("cp starts");
    assert!(copied.success(), "cp failed: {copied}");
    let mut command = Command::new(program);
    command
        .args(bench.run_arguments(&["--stop-after", "500"]))
        .current_dir(&elsewhere)
        .env_remove("ALLUVIUM_ENGINE")
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let done = Done::from(command.output().expect("the command starts"));
    if Path::new(env!("CARGO_MANIFEST_DIR")).join("engine/alluvium_wasm.wasm").is_file() {
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert_eq!(bench.list()[0]["source_offsets"]["input"], 2_000);
    } else {
        // Built by plain cargo, without `make components` before.
        assert_eq!(done.code, Some(2), "{}", done.err);
        assert!(done.err.contains("make components") && done.err.contains("--engine"), "{}", done.err);
    }
}
