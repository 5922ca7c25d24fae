//! The encoder reproduces `golden/v3` byte for byte, and the decoder reads it for what it is. What an earlier
//! encoder wrote, in `golden/v2`, is read for the same.

use alluvium_core::directory::block_on;
use alluvium_core::gc;
use alluvium_core::tools::verify::verify;
use alluvium_test_harness::golden::{Golden, all, all_of_version_2};
use alluvium_test_harness::{Expected, here, keep, load, memory, open, open_with, options, store};

/// Whether the golden directories are to be written again.
fn blessing() -> bool {
    std::env::var_os("ALLUVIUM_BLESS").is_some_and(|value| value == "1")
}

fn stored(golden: &Golden) -> std::path::PathBuf {
    here("golden/v3").join(golden.name)
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
    for path in load(&here("golden/v3")).keys() {
        let directory = path.split('/').next().unwrap_or_default();
        assert!(names.contains(&directory), "{path} belongs to no script");
    }
}

/// The golden directories of this version, as they are stored, and those of version 2.
fn all_stored() -> Vec<Golden> {
    let of_this_version = all().into_iter().map(|golden| Golden { files: load(&stored(&golden)), ..golden });
    of_this_version.chain(all_of_version_2()).collect()
}

#[test]
fn the_decoder_reads_every_checkpoint_of_every_golden_directory() {
    assert!(all_of_version_2().len() >= 10, "the directories of version 2 are gone");
    for golden in all_stored() {
        let directory = memory(golden.files.clone());
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
    for golden in all_stored() {
        let directory = memory(golden.files.clone());
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
fn work_continues_on_directories_of_version_2() {
    for golden in all_of_version_2() {
        let directory = memory(golden.files.clone());
        let mut manager = open(&directory).unwrap();
        // A log follows only a checkpoint of its own version, so the first sync becomes a checkpoint.
        for round in 0..28_u8 {
            manager.put(&[round % 3], &[round; 100]).unwrap();
            manager.delete(format!("key-{round:04}").as_bytes()).unwrap();
            block_on(manager.sync(u64::MAX)).unwrap();
            if round % 4 == 0 {
                block_on(manager.create_checkpoint(u64::MAX)).unwrap();
            }
            assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager), "{} {round}", golden.name);
        }
        let report = block_on(verify(&*directory)).unwrap();
        assert!(!report.is_damaged(), "{}: {:?}", golden.name, report.findings);
        let kept = block_on(manager.list_checkpoints()).unwrap();
        assert!(kept.iter().any(|metadata| metadata.parent_id == Some(golden.latest())), "{}", golden.name);
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
    assert!(count("listed", ".list") >= 2, "a list, and one that took its place");
    let metadata = |id: u64| {
        let path = format!("checkpoint_{id:016x}/metadata.json");
        String::from_utf8(Golden::named("listed").files[&path].clone()).unwrap()
    };
    let added = |id: u64| metadata(id).matches("{\"path\":\"segments/").count();
    // The list file itself is named by such a path too.
    assert_eq!([12, 13, 14, 15].map(added), [1 + 4, 1, 1 + 1, 1 + 1], "a new list is due at the thirteenth");
    for name in ["rebased", "merged"] {
        assert_eq!(Golden::named(name).checkpoints.len(), 2, "{name}");
    }
    let first_base = "segments/0000000000000001-676f6c64656e2d31.base".to_string();
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
