//! Damage to a directory: found by `verify`, named, and never read as data.

use alluvium_test_harness::damage::{directories, is_named, never_wrong};
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::{Files, keep, memory, number, open_with, options};

fn check_never_wrong(golden: &Golden, files: &Files, damage: &str) {
    never_wrong(golden, files).unwrap_or_else(|wrong| panic!("{}: {damage}: {wrong}", golden.name));
}

fn check_verify_names(golden: &Golden, files: &Files, path: &str, damage: &str) {
    is_named(files, path).unwrap_or_else(|unnamed| panic!("{}: {damage}: {unnamed}", golden.name));
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

/// Returns the bytes of a file at which it is damaged: every one of a short file, and of a long one one
/// in `ALLUVIUM_DAMAGE_STRIDE`, from `start` on. Files begin at different places, so that the files of
/// one kind together are damaged everywhere. `make torture` leaves nothing out: its stride is 1.
fn places(start: usize, length: usize) -> impl Iterator<Item = usize> {
    let stride = number("ALLUVIUM_DAMAGE_STRIDE").map_or(16, |stride| usize::try_from(stride).expect("a small number"));
    let is_long = length > 256;
    (if is_long { start % stride } else { 0 }..length).step_by(if is_long { stride } else { 1 })
}

#[test]
fn bytes_of_every_golden_directory() {
    let mut flips = 0;
    for (golden, paths) in directories() {
        for (start, path) in paths.into_iter().enumerate() {
            for at in places(start, golden.files[&path].len()) {
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
fn cuts_of_every_file() {
    let mut cuts = 0;
    for (golden, paths) in directories() {
        for (start, path) in paths.into_iter().enumerate() {
            for length in places(start, golden.files[&path].len()) {
                check_edit(&golden, &path, &format!("cut to {length} bytes"), |file| file.truncate(length));
                cuts += 1;
            }
        }
    }
    assert!(cuts > 5_000, "only {cuts} cuts");
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
