//! What ARCHITECTURE.md says is absent.

use alluvium_test_harness::{here, load};

/// The sources below a directory of the repository, without comments and without their unit tests.
fn sources(directory: &str) -> Vec<(String, String)> {
    let files = load(&here("..").join(directory));
    let rust = files.into_iter().filter(|(path, _)| path.ends_with(".rs"));
    rust.map(|(path, content)| {
        let text = String::from_utf8(content).expect("UTF-8");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
        (format!("{directory}/{path}"), lines.collect::<Vec<_>>().join("\n"))
    })
    .collect()
}

fn check_absent(directory: &str, words: &[&str]) {
    let sources = sources(directory);
    assert!(!sources.is_empty(), "{directory} has no sources: this test looks in the wrong place");
    for (path, code) in &sources {
        for word in words {
            let line = code.lines().position(|line| line.contains(word));
            assert_eq!(line, None, "{path} has `{word}` in the line after that one");
        }
    }
}

#[test]
fn core_opens_no_path_reads_no_clock_and_draws_no_randomness() {
    check_absent(
        "core/src",
        &[
            "std::fs",
            "std::path",
            "std::env",
            "std::net",
            "std::process",
            "std::io::",
            "File::",
            "std::os",
            "SystemTime",
            "Instant",
            "std::time::{",
            "chrono",
            "RandomState",
            "rand::",
            "fastrand",
            "getrandom",
            "HashMap::new",
            "HashSet::new",
            "DefaultHasher",
        ],
    );
}

#[test]
fn core_uses_no_time_but_durations() {
    for (path, code) in sources("core/src") {
        for line in code.lines().filter(|line| line.contains("std::time")) {
            assert!(line.contains("std::time::Duration"), "{path}: {line}");
        }
    }
}

#[test]
fn the_format_modules_do_no_io() {
    check_absent("core/src/format", &["directory::", "Directory", "async ", "await", "Clock"]);
}

#[test]
fn core_forbids_unsafe_code() {
    let (_, root) =
        sources("core/src").into_iter().find(|(path, _)| path == "core/src/lib.rs").expect("core/src/lib.rs");
    assert!(root.contains("#![forbid(unsafe_code)]"));
    check_absent("core/src", &["unsafe "]);
}

#[test]
fn only_the_manager_the_archive_and_backups_create_files() {
    // The manager's three steps are spread over its module, the checkpoint on its way and maintenance.
    let creators: Vec<String> = sources("core/src")
        .into_iter()
        .filter(|(path, code)| !path.contains("/directory/") && code.contains(".create("))
        .map(|(path, _)| path)
        .collect();
    for path in &creators {
        let manager = path.contains("/manager/") || path.contains("/commit/") || path.contains("/maintenance/");
        let copy = path.contains("/archive/") || path.contains("/tools/backup/");
        assert!(manager || copy, "{path} creates files");
    }
    assert!(!creators.is_empty(), "no file creates files: this test looks for the wrong call");
}
