//! Damage to a directory: found by `verify`, named, and never read as data.

use alluvium_core::IncrementalCheckpointMetadata;
use alluvium_core::archive::{export, read};
use alluvium_core::directory::block_on;
use alluvium_core::tools::inspect;
use alluvium_core::tools::verify::verify;
use alluvium_test_harness::golden::{Golden, all};
use alluvium_test_harness::{Expected, Files, Manager, fixture, keep, memory, open, open_with, options};

/// Opening a damaged directory in every way gives an error or exactly what was checkpointed.
///
/// Without fallback the newest checkpoint named by the files is the only one that may come; with it,
/// an older one may, and then what was skipped is said.
fn check_never_wrong(golden: &Golden, files: &Files, damage: &str) {
    let directory = memory(files.clone());
    let newest =
        golden.checkpoints.keys().rev().find(|id| files.contains_key(&format!("checkpoint_{id:016x}/metadata.json")));
    if let Ok(manager) = open(&directory) {
        let id = manager.latest_checkpoint_id();
        assert_eq!(id.as_ref(), newest, "{}: {damage}", golden.name);
        let expected = id.map(|id| golden.expected(id, logs_read(files, id, &manager)).clone()).unwrap_or_default();
        assert_eq!(Expected::of(&manager), expected, "{}: {damage}", golden.name);
    }
    for (id, expected) in &golden.checkpoints {
        if let Ok(metadata) = block_on(inspect::load_metadata(&*directory, *id)) {
            let path = format!("checkpoint_{id:016x}/metadata.json");
            let json = std::str::from_utf8(&golden.files[&path]).expect("UTF-8");
            let expected = IncrementalCheckpointMetadata::from_json(json).expect("whole");
            assert_eq!(metadata, expected, "{}: {damage}: metadata of {id}", golden.name);
        }
        if let Ok(manager) = open_with(&directory, keep(10), options().checkpoint(Some(*id))) {
            assert_eq!(Expected::of(&manager), *expected, "{}: {damage}: checkpoint {id}", golden.name);
            if let Ok(state) = block_on(manager.load_checkpoint_state(*id)) {
                let path = format!("checkpoint_{id:016x}/state.bin");
                assert_eq!(golden.files.get(&path), Some(&state), "{}: {damage}: {path}", golden.name);
            }
        }
    }
    // What leaves the directory is what was checkpointed, or it does not leave.
    if let Ok(archive) = block_on(export(&*directory, Some(golden.latest()))) {
        let files = read(&archive).expect("an archive that was just written").to_files();
        let differs = files.iter().find(|(path, content)| golden.files.get(*path) != Some(content));
        assert_eq!(differs, None, "{}: {damage}: exported", golden.name);
    }
    if let Ok(manager) = open_with(&directory, keep(10), options().allow_fallback(true)) {
        let Some(recovered) = manager.recovered() else {
            assert_eq!(Expected::of(&manager), Expected::default(), "{}: {damage}: fresh", golden.name);
            return;
        };
        let id = recovered.checkpoint_id;
        let expected = golden.expected(id, logs_read(files, id, &manager));
        assert_eq!(Expected::of(&manager), *expected, "{}: {damage}: fell back to {id}", golden.name);
        let skipped: Vec<u64> = recovered.skipped.iter().map(|skipped| skipped.id).collect();
        let passed: Vec<u64> = newest.map(|newest| (id + 1..=*newest).rev().collect()).unwrap_or_default();
        let passed: Vec<u64> = passed.into_iter().filter(|id| golden.checkpoints.contains_key(id)).collect();
        assert_eq!(skipped, passed, "{}: {damage}: what was skipped is said", golden.name);
    }
}

/// How many logs after checkpoint `id` opening has read: all that are there, or those before the one
/// at which it says that it stopped.
fn logs_read(files: &Files, id: u64, manager: &Manager) -> usize {
    let log = |sequence: usize| format!("wal/{id:016x}-{sequence:016x}.log");
    let cut = manager.recovered().and_then(|recovered| recovered.wal_cut.as_ref()).map(|cut| cut.path.clone());
    let present = files.len();
    (1..=present).take_while(|sequence| files.contains_key(&log(*sequence)) && Some(log(*sequence)) != cut).count()
}

fn check_verify_names(golden: &Golden, files: &Files, path: &str, damage: &str) {
    let report = block_on(verify(&*memory(files.clone()))).unwrap_or_else(|error| panic!("{damage}: {error}"));
    assert!(report.is_damaged(), "{}: {damage}: not noticed", golden.name);
    let named = report.findings.iter().any(|finding| finding.path == path);
    assert!(named, "{}: {damage}: not named in {:?}", golden.name, report.findings);
}

/// The golden directories with the paths of the files that Alluvium wrote. What LaminarDB wrote
/// carries no checksum, so no reader can know of a flip in it.
fn directories() -> Vec<(Golden, Vec<String>)> {
    let laminar = fixture("opaque").to_files();
    let with_paths = |golden: Golden| {
        let paths = golden.files.keys().filter(|path| !laminar.contains_key(*path) || golden.name != "continued");
        let paths = paths.cloned().collect();
        (golden, paths)
    };
    all().into_iter().map(with_paths).collect()
}

fn check_edit(golden: &Golden, path: &str, damage: &str, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut files = golden.files.clone();
    edit(files.get_mut(path).expect("a file of the golden directory"));
    let damage = format!("{path}: {damage}");
    check_verify_names(golden, &files, path, &damage);
    check_never_wrong(golden, &files, &damage);
}

#[test]
fn every_bit_of_a_small_directory() {
    let golden = Golden::named("small");
    for (path, content) in &golden.files {
        for at in 0..content.len() {
            for bit in 0..8 {
                check_edit(&golden, path, &format!("bit {bit} of byte {at} flipped"), |file| file[at] ^= 1 << bit);
            }
        }
    }
}

#[test]
fn every_byte_of_every_golden_directory() {
    let mut flips = 0;
    for (golden, paths) in directories() {
        for path in paths {
            for at in 0..golden.files[&path].len() {
                for mask in [1 << (at % 8), 0xff] {
                    check_edit(&golden, &path, &format!("byte {at} xor {mask:#04x}"), |file| file[at] ^= mask);
                    flips += 1;
                }
            }
        }
    }
    println!("{flips} flips, 0 wrong states");
    assert!(flips > 10_000, "only {flips} flips");
}

#[test]
fn every_cut_of_every_file() {
    for (golden, paths) in directories() {
        for path in paths {
            for length in 0..golden.files[&path].len() {
                check_edit(&golden, &path, &format!("cut to {length} bytes"), |file| file.truncate(length));
            }
        }
    }
}

#[test]
fn every_file_appended_to() {
    for (golden, paths) in directories() {
        for path in paths {
            for more in [&b"\0"[..], b"\n", b"}", &[0xff; 24], &[0; 4096]] {
                let damage = format!("{} bytes {:#04x} appended", more.len(), more[0]);
                check_edit(&golden, &path, &damage, |file| file.extend_from_slice(more));
            }
        }
    }
}

#[test]
fn sectors_zeroed_and_swapped() {
    for (golden, paths) in directories() {
        for path in paths {
            let sectors = golden.files[&path].len().div_ceil(64);
            for sector in 0..sectors {
                let whole = &golden.files[&path];
                let range = sector * 64..whole.len().min(sector * 64 + 64);
                if whole[range.clone()].iter().any(|byte| *byte != 0) {
                    check_edit(&golden, &path, &format!("bytes {range:?} zeroed"), |file| file[range.clone()].fill(0));
                }
                let next = range.end..(range.end + 64).min(whole.len());
                if next.len() == 64 && whole[range.clone()] != whole[next] {
                    check_edit(&golden, &path, &format!("bytes at {range:?} swapped with the next"), |file| {
                        let (left, right) = file[range.start..].split_at_mut(64);
                        left.swap_with_slice(&mut right[..64]);
                    });
                }
            }
        }
    }
}

#[test]
fn any_two_files_swapped() {
    for (golden, paths) in directories() {
        for (index, left) in paths.iter().enumerate() {
            for right in &paths[index + 1..] {
                if golden.files[left] == golden.files[right] {
                    continue;
                }
                let mut files = golden.files.clone();
                files.insert(left.clone(), golden.files[right].clone());
                files.insert(right.clone(), golden.files[left].clone());
                let damage = format!("{left} and {right} swapped");
                check_verify_names(&golden, &files, left, &damage);
                check_verify_names(&golden, &files, right, &damage);
                check_never_wrong(&golden, &files, &damage);
            }
        }
    }
}

#[test]
fn a_file_replaced_by_one_of_the_same_name_from_another_directory() {
    let goldens = directories();
    let mut replaced = 0;
    for (golden, paths) in &goldens {
        for (other, _) in &goldens {
            for path in paths {
                if let Some(content) = other.files.get(path).filter(|content| **content != golden.files[path]) {
                    let mut files = golden.files.clone();
                    files.insert(path.clone(), content.clone());
                    let damage = format!("{path} from {}", other.name);
                    // All golden directories share one store id: only what the files say of each other tells.
                    if !path.ends_with("metadata.json") {
                        check_verify_names(golden, &files, path, &damage);
                        check_never_wrong(golden, &files, &damage);
                        replaced += 1;
                    }
                }
            }
        }
    }
    assert!(replaced > 10, "only {replaced} replaced");
}

#[test]
fn any_file_missing() {
    for (golden, paths) in directories() {
        for path in paths {
            let mut files = golden.files.clone();
            files.remove(&path);
            let damage = format!("{path} missing");
            // A checkpoint without metadata does not exist: then its other files are the finding. The
            // marker of a deleted checkpoint is the one file that nothing else knows of.
            if path.starts_with("segments/") || path.ends_with("state.bin") {
                check_verify_names(&golden, &files, &path, &damage);
            }
            check_never_wrong(&golden, &files, &damage);
        }
    }
}

#[test]
fn damage_is_an_error_of_the_corruption_kind_that_names_the_file() {
    for (golden, paths) in directories() {
        let needed: Vec<&String> = paths.iter().filter(|path| path.starts_with("segments/")).collect();
        for path in needed {
            let mut files = golden.files.clone();
            let file = files.get_mut(path).expect("listed");
            let middle = file.len() / 2;
            file[middle] ^= 0x10;
            let directory = memory(files);
            for id in golden.checkpoints.keys() {
                if let Err(error) = open_with(&directory, keep(10), options().checkpoint(Some(*id))) {
                    assert!(error.is_corruption(), "{}: {path}: {error:?}", golden.name);
                    assert!(error.to_string().contains(path), "{}: {path}: {error}", golden.name);
                }
            }
        }
    }
}
