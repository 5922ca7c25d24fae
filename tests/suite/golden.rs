//! The encoder reproduces `golden/v2` byte for byte, and the decoder reads it for what it is.

use alluvium_core::directory::block_on;
use alluvium_core::gc;
use alluvium_core::tools::verify::verify;
use alluvium_test_harness::golden::{Golden, all};
use alluvium_test_harness::{Expected, here, keep, load, memory, open, open_with, options, store};

/// Whether the golden directories are to be written again.
fn blessing() -> bool {
    std::env::var_os("ALLUVIUM_BLESS").is_some_and(|value| value == "1")
}

fn stored(golden: &Golden) -> std::path::PathBuf {
    here("golden/v2").join(golden.name)
}

#[test]
fn the_encoder_reproduces_every_byte() {
    for golden in all() {
        if blessing() {
            store(&stored(&golden), &golden.files);
        }
        let expected = load(&stored(&golden));
        let (made, kept): (Vec<_>, Vec<_>) = (golden.files.keys().collect(), expected.keys().collect());
        assert_eq!(made, kept, "{}: the names of the files", golden.name);
        for (path, content) in &golden.files {
            let differs = content.iter().zip(&expected[path]).position(|(made, kept)| made != kept);
            assert!(*content == expected[path], "{}/{path} differs at {differs:?}", golden.name);
        }
    }
}

#[test]
fn nothing_else_lies_among_the_golden_directories() {
    if blessing() {
        return;
    }
    let names: Vec<&str> = all().iter().map(|golden| golden.name).collect();
    for path in load(&here("golden/v2")).keys() {
        let directory = path.split('/').next().unwrap_or_default();
        assert!(names.contains(&directory), "{path} belongs to no script");
    }
}

#[test]
fn the_decoder_reads_every_checkpoint_of_every_golden_directory() {
    for golden in all() {
        let directory = memory(load(&stored(&golden)));
        let manager = open(&directory).unwrap();
        assert_eq!(manager.latest_checkpoint_id(), Some(golden.latest()), "{}", golden.name);
        let newest = golden.expected(golden.latest(), golden.logged.len());
        assert_eq!(Expected::of(&manager), *newest, "{}", golden.name);
        for (id, expected) in &golden.checkpoints {
            let manager = open_with(&directory, keep(10), options().checkpoint(Some(*id))).unwrap();
            assert_eq!(Expected::of(&manager), *expected, "{} {id}", golden.name);
        }
    }
}

#[test]
fn golden_directories_are_sound_and_hold_nothing_to_collect() {
    for golden in all() {
        let directory = memory(load(&stored(&golden)));
        let report = block_on(verify(&*directory)).unwrap();
        assert!(!report.is_damaged(), "{}: {:?}", golden.name, report.findings);
        let plan = block_on(gc::plan(&*directory, None)).unwrap();
        let listed: Vec<&String> = plan.files.iter().map(|verdict| &verdict.path).collect();
        assert_eq!(listed, golden.files.keys().collect::<Vec<_>>(), "{}: a verdict on every file", golden.name);
        for verdict in &plan.files {
            assert!(verdict.keep && !verdict.why.is_empty(), "{}: {verdict:?}", golden.name);
        }
    }
}

#[test]
fn the_scripts_reach_what_they_are_for() {
    let count =
        |name: &str, extension: &str| Golden::named(name).files.keys().filter(|path| path.ends_with(extension)).count();
    assert!(count("small", ".base") >= 1 && count("small", ".delta") == 0);
    assert!(count("deltas", ".delta") >= 3, "deltas has deltas");
    assert!(count("full", ".base") >= 1 && count("full", ".delta") == 0, "not incremental: bases alone");
    assert_eq!(count("opaque", "state.bin"), 2);
    assert_eq!(count("deleted", "deleted"), 1);
    assert_eq!(count("logged", ".log"), 3);
    for name in ["rebased", "merged"] {
        assert_eq!(Golden::named(name).checkpoints.len(), 2, "{name}");
    }
    let first_base = "segments/0000000000000001.base".to_string();
    assert!(Golden::named("small").files.contains_key(&first_base), "the first segment is number 1");
    assert!(!Golden::named("rebased").files.contains_key(&first_base), "the first base was rewritten");
    assert!(count("merged", ".delta") < 32, "deltas were merged");
    let total = |name: &str| Golden::named(name).files.values().map(Vec::len).sum::<usize>();
    for golden in all() {
        assert!(
            total(golden.name) < 64 << 10,
            "{} holds {} bytes: too many to flip each",
            golden.name,
            total(golden.name)
        );
    }
}
